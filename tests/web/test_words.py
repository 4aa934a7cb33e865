"""Every word a person reads stands in vi.json and en.json; none slips by; all can be read."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from api.page import files
from gate.model import Alarm, Code, Command, Health, Kind, Mode, Relay, Role, Sensor, State
from gate.yard_orders import CONDITIONS
from gate.yard_road import BREEDS
from tests.web.calls import PAGE
from tests.web.conftest import Phones
from tests.web.officer import Officer
from tests.web.village import Village

VI: dict[str, str] = json.loads((PAGE / "vi.json").read_text(encoding="utf-8"))
EN: dict[str, str] = json.loads((PAGE / "en.json").read_text(encoding="utf-8"))
MODULES = sorted(PAGE.rglob("*.js"))
VIETNAMESE = re.compile(r"[àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ]", re.IGNORECASE)


def test_both_languages_have_the_same_keys_and_placeholders() -> None:
    """Vietnamese first, English beside it, neither with a hole."""
    assert VI.keys() == EN.keys()
    for key, words in VI.items():
        assert words.strip(), key
        assert EN[key].strip(), key
        assert set(re.findall(r"{(\w+)}", words)) == set(re.findall(r"{(\w+)}", EN[key])), key


@pytest.mark.parametrize(
    ("prefix", "codes"),
    [
        ("state", State), ("mode", Mode), ("health", Health), ("code", Code), ("command", Command), ("fact", Kind),
        ("alarm", Alarm), ("sensor", Sensor), ("drive", Relay), ("role", Role),
    ],
)  # fmt: skip
def test_every_code_of_the_gate_has_words(prefix: str, codes: type[StrEnum]) -> None:
    """A person never reads a bare code."""
    assert [code.value for code in codes if f"{prefix}.{code.value}" not in VI] == []


def test_every_refusal_says_what_to_do_next() -> None:
    """Issue 3, 6: what happened, whether the gate moved, what to do: two short lines on a small phone."""
    assert [code.value for code in Code if f"remedy.{code.value}" not in VI] == []
    for words in (VI, EN):
        assert [key for key, said in words.items() if key.startswith(("code.", "remedy.")) and len(said) > 70] == []


def test_every_order_of_the_yard_panel_is_known_to_the_yard() -> None:
    """Issue 3, 5: the panel speaks the words of `antt-gate yard`, and reads each fault by the words that order it."""
    source = (PAGE / "views" / "yard.js").read_text(encoding="utf-8")
    groups = re.findall(r'^  (\w+): "([^"]+)",$', source, re.MULTILINE)
    lines = [line.partition(": ") for _, row in groups for line in row.split(", ")]
    rows = [(subject, conditions or "off on") for subject, _, conditions in lines]
    assert len(rows) > 20
    assert [name for name, _ in groups if f"yard.{name}" not in VI] == []
    for subject, conditions in rows:
        for condition in conditions.split():
            words = (*subject.split(), condition)
            assert words in CONDITIONS, words
            assert f"yard.{condition}" in VI
        assert f"yard.{subject.replace(' ', '_')}" in VI
    told = {(subject, condition) for subject, conditions in rows for condition in conditions.split()}
    reached = {CONDITIONS[*subject.split(), condition] for subject, condition in told}
    missing = {(order.subject, order.condition) for order in CONDITIONS.values()} - {
        (order.subject, order.condition) for order in reached
    }
    assert missing <= {("release", None), ("cabinet", None)}
    for kind in BREEDS:
        assert f'"{kind}"' in source
        assert f"yard.{kind}" in VI


def test_every_word_that_a_module_asks_for_exists() -> None:
    """t("…") with a fixed key finds its words; a key that nothing can ask for is gone."""
    sources = {path: path.read_text(encoding="utf-8") for path in MODULES}
    fixed = {key for source in sources.values() for key in re.findall(r'\bt\(\s*"([^"]+)"', source)}
    assert fixed - VI.keys() == set()
    whole = "\n".join(sources.values())
    families = set(re.findall(r"`(\w+)\.\$\{", whole)) | set(re.findall(r'coded\("(\w+)"', whole))
    families |= {"mode", "theme", "language", "page"}  # later issue; `options` builds their keys; index.html
    unused = [key for key in VI if f'"{key}"' not in whole and key.split(".")[0] not in families]
    assert unused == []


def test_no_module_carries_vietnamese_of_its_own() -> None:
    """Words live in vi.json; in the code only comments may quote them."""
    for path in MODULES:
        code = re.sub(r"//.*|/\*[\s\S]*?\*/", "", path.read_text(encoding="utf-8"))
        assert not VIETNAMESE.search(code), path.name
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    assert VI["page.noscript"] in page
    assert VI["page.title"] in page


def test_what_the_first_view_imports_is_fetched_at_once() -> None:
    """On 4G every further round of imports costs a tenth of a second: all of them come with the one that is named."""
    named = re.findall(r'<script type="module" src="([^"]+)"', (PAGE / "index.html").read_text(encoding="utf-8"))
    assert named == ["main.js"]
    found: set[str] = set()
    waiting = ["main.js"]
    while waiting:
        module = PAGE / waiting.pop()
        for name in re.findall(r'^import [^;]*?"(\.[^"]+)";', module.read_text(encoding="utf-8"), re.MULTILINE):
            path = (module.parent / name).resolve().relative_to(PAGE).as_posix()
            if path not in found:
                found.add(path)
                waiting.append(path)
    assert len(found) > 10
    assert {name for name in files() if name.endswith(".js")} == {"main.js", "later.js", "sw.js"}
    assert not re.search(rb"(?:^|[;}])import\b(?!\()", files()["main.js"].plain)


def test_the_page_is_small_and_carries_no_inline_code() -> None:
    """Issue 7: at most 45 KB of gzipped JavaScript; CSP default-src 'self'."""
    scripts = [file for name, file in files().items() if name.endswith(".js")]
    assert sum(len(file.gzipped or file.plain) for file in scripts) <= 45_000
    page = (PAGE / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=", page)
    for path in MODULES:
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", path.read_text(encoding="utf-8")
        ), path


def marked(route: Route) -> None:
    """Answer with words that can be told from words that came from elsewhere."""
    route.fulfill(json={key: re.sub(r"[^\s{}]+(?![^{]*})", "¤", words) for key, words in VI.items()})


def test_every_visible_word_comes_from_the_word_files(phones: Phones, village: Village) -> None:
    """With all known words masked, only data, times and numbers are left to read."""
    village.tell(
        "command_refused", {"command": "close", "code": "beam_blocked"}, by={"type": "rule", "id": "x", "name": ""}
    )
    village.motion(ago_s=1)
    village.alarms("forced_open", reminders=1)
    with village.change() as gate:
        gate.update(mode="hold_open", mode_until=gate["at"], mode_by=gate["by"], state="open")
        gate["closing"] = {"why": "hold_ended", "due_mono_ms": gate["at_mono_ms"] + 60_000}
    officer = phones.officer()
    page = officer.page
    page.route("**/vi.json", marked)
    data = re.compile(r"Cổng thôn 3|thon-3|Trần Văn An|Android|Chrome|[\d:/.,\xd7¤·→\s%()?;]+")
    for route in ("", "#nhat-ky", "#them"):
        officer.opens(route)
        page.wait_for_timeout(300)
        assert data.sub("", page.locator("#app").inner_text()) == "", route
    officer.opens("")
    for button in (".nav-urgent", ".trouble-words"):
        page.locator(button).click()
        assert data.sub("", page.get_by_role("dialog").inner_text()) == ""
        page.keyboard.press("Escape")


def test_english_is_one_tap_away_and_stays(officer: Officer) -> None:
    """The language switch changes the words, the lang attribute, and is remembered."""
    page = officer.page
    officer.goes_to("Thêm")
    page.get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("link", name="Gate").click()
    expect(officer.word).to_have_text("Closed")
    officer.sees("confirmed by the limit switch")
    page.reload()
    expect(officer.word).to_have_text("Closed")


CONTRAST = Path(__file__).with_name("contrast.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_word_can_be_read(phones: Phones, village: Village, theme: str) -> None:
    """WCAG 1.4.3: 4.5 to 1 for every visible text, 3 to 1 where it is large, in both themes."""
    village.tell("alarm_raised", {"alarm": "beam_tamper", "id": "1", "reminder": 0})
    village.alarms("forced_open")
    officer = phones.officer(theme=theme, size=(1280, 800)).opens()
    expect(officer.page.locator(".day .entry")).to_have_count(1)
    for state, evidence in [
        ("closed", "limit"),
        ("open", "limit"),
        ("opening", "drive"),
        ("stopped", "none"),
        ("unknown", "none"),
    ]:
        village.gate_is(state, evidence)
        expect(officer.page.locator(f".state[data-state={state}]")).to_be_visible()
        assert officer.page.evaluate(CONTRAST) == [], state
    for mode in Mode:
        with village.change() as gate:
            gate.update(mode=mode.value, mode_by=gate["by"], sequence=gate["sequence"] + 1)
        expect(officer.page.locator(f".mode[data-mode={mode.value}]")).to_be_visible(visible=mode is not Mode.NORMAL)
        assert officer.page.evaluate(CONTRAST) == [], mode


def test_what_is_touched_is_large_enough(phones: Phones, village: Village) -> None:
    """design/page.md: touch targets of 48 px."""
    with village.change() as gate:
        gate["simulated"] = True
    village.alarms("forced_open", "beam_tamper")
    village.motion(ago_s=1)
    people = [phones.officer(), phones.officer(), phones.officer(), phones.officer(role="maintainer")]
    for officer, route in zip(people, ("", "", "#nhat-ky", "#them"), strict=True):
        village.role = "maintainer" if route == "#them" else "commander"
        officer.opens(route)
        if officer is people[1]:
            officer.page.locator(".nav-urgent").click()
        if route == "#them":
            officer.page.locator(".yard summary").first.click()
        officer.page.wait_for_timeout(200)
        small = officer.page.evaluate(
            "[...document.querySelectorAll('button, a, input')]"
            ".map((each) => [each.getBoundingClientRect(), each.textContent])"
            ".filter(([box]) => box.width && (box.height < 47.5 || box.width < 47.5)).map(([, words]) => words)"
        )
        assert small == [], route
