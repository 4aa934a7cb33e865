"""Nothing on any view keeps people from using it, as far as a program can tell: axe-core, WCAG 2.2 AA and good habits.

Each view is brought to the screen once and looked at in both themes and both sizes. A new view is a new row of VIEWS.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Phones
from tests.web.officer import Officer
from tests.web.village import Village

AXE = Path(sys.prefix, "node", "node_modules", "axe-core", "axe.min.js")
SIZES = ((390, 844), (1280, 800))
THEMES = ("dark", "light")
LOOK = """async (colours) => {
  const options = { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } };
  if (colours) Object.assign(options, { runOnly: ["color-contrast"], rules: {} });
  const { violations } = await axe.run(document, options);
  return violations.flatMap(({ id, nodes }) => nodes.map((each) => `${id} ${each.target}: ${each.failureSummary}`));
}"""
DRESS = "theme => { localStorage.theme = theme; document.documentElement.dataset.theme = theme; }"
Step = Callable[[Officer], None]


@dataclass(frozen=True, kw_only=True)
class View:
    """A view: who sees it (None: nobody is signed in), its address, what to do there, and what shows that it stands."""

    role: str | None = "commander"
    at: str = ""
    then: Step | None = None
    stands: str
    now: Callable[[Village], None] | None = None


def tap(selector: str) -> Step:
    """Return the step of tapping the first such element."""
    return lambda officer: officer.page.locator(selector).first.click()


def press(*names: str) -> Step:
    """Return the steps of pressing these buttons one after the other."""

    def pressed(officer: Officer) -> None:
        for name in names:
            officer.page.get_by_role("button", name=name).first.click()

    return pressed


def kept(officer: Officer) -> None:
    """Ask for the reason why a film is to be kept."""
    officer.page.locator(".entry-button").first.click()
    officer.page.get_by_role("dialog").get_by_role("button", name="Giữ lại").click()


def paired(officer: Officer) -> None:
    """Pair a phone for somebody."""
    officer.page.locator(".under .place").first.click()
    officer.page.get_by_role("dialog").get_by_role("button", name="Ghép điện thoại").click()


def refused(officer: Officer) -> None:
    """Have an opening refused."""
    officer.village.refusals = {"open": "locked_down"}
    officer.slides("open")


def silent(village: Village) -> None:
    """Take the gate process and the camera away."""
    village.camera = "none"
    village.beat(gate_up=False)


def hold(officer: Officer) -> None:
    """Ask how long the gate is to be held open."""
    officer.page.locator(".nav-urgent").click()
    officer.page.locator("[data-command=hold_open]").click()


VIEWS = {
    "signed out": View(role=None, stands=".signin"),
    "home": View(stands=".state[data-state=closed]"),
    "home, refused": View(then=refused, stands=".notice:not([hidden])"),
    "home of a viewer": View(role="viewer", stands=".barred"),
    "home without a gate": View(stands=".state[data-state=closed]", now=silent),
    "trouble": View(then=tap(".trouble-words"), stands="dialog.sheet"),
    "urgent": View(then=tap(".nav-urgent"), stands="dialog.sheet"),
    "how long to hold open": View(then=hold, stands="dialog .hold-until"),
    "diary": View(at="#nhat-ky", stands=".entry"),
    "clip": View(at="#nhat-ky", then=tap(".entry-button"), stands="dialog video"),
    "a film is kept": View(at="#nhat-ky", then=kept, stands="dialog input"),
    "more": View(at="#them", stands=".more .rows li"),
    "password and passkeys": View(at="#them", then=press("Mật khẩu"), stands="dialog form"),
    "yard": View(role="maintainer", at="#them", stands=".yard"),
    "people": View(role="maintainer", at="#nguoi", stands=".under .place"),
    "a person": View(role="maintainer", at="#nguoi", then=tap(".under .place"), stands="dialog .rows li"),
    "a new person": View(role="maintainer", at="#nguoi", then=tap(".under > .main-button"), stands="dialog input"),
    "a phone is paired": View(role="maintainer", at="#nguoi", then=paired, stands="dialog img"),
    "health": View(role="maintainer", at="#suc-khoe", stands=".plot"),
    "timetable": View(at="#lich", stands=".week li"),
    "timetable, changed": View(at="#lich", then=tap(".under > .main-button"), stands=".period"),
    "timetable, edited": View(at="#lich", then=press("Sửa lịch"), stands="[role=group]"),
    "search": View(at="#nhat-ky", then=press("Tìm và lọc"), stands="form, dialog"),
    "evidence": View(at="#nhat-ky", then=press("Chứng cứ"), stands="dialog"),
    "push": View(at="#thong-bao", stands="main[data-route=push] h2"),
}


@pytest.fixture
def busy(village: Village) -> Village:
    """Return a village where much has happened: every part of a view has something to show."""
    village.alarms("forced_open", "beam_tamper", reminders=1)
    village.tell("command_refused", {"command": "close", "code": "beam_blocked"}, ago_s=60)
    village.motion(ago_s=30)
    with village.change() as gate:
        gate.update(simulated=True, mode="hold_open", mode_until=gate["at"], mode_by=gate["by"])
    return village


def found(page: Page) -> list[str]:
    """Return what axe-core finds in every theme and size; of a second theme only the colours are new."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    seen = []
    for (width, height), theme in product(SIZES, THEMES):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(DRESS, theme)
        page.wait_for_timeout(60)
        seen += [f"{width} {theme}: {each}" for each in page.evaluate(LOOK, theme != THEMES[0])]
    return seen


@pytest.mark.parametrize("name", VIEWS)
def test_nothing_keeps_people_from_using_a_view(phones: Phones, busy: Village, name: str) -> None:
    """Issue 7: axe-core finds no violation on any view."""
    view = VIEWS[name]
    officer = phones.officer(role=view.role)
    if view.role is None:
        officer.page.goto(busy.address)
    else:
        officer.opens(view.at)
    if view.then:
        view.then(officer)
    expect(officer.page.locator(view.stands).first).to_be_visible()
    if view.now:
        view.now(busy)
        officer.page.wait_for_timeout(300)
    assert found(officer.page) == []


def test_what_keeps_people_from_using_a_page_is_found(officer: Officer) -> None:
    """The net holds: a button without a name, a word that is too pale, a target that is too small."""
    officer.page.evaluate("""() => {
      const bad = document.querySelector(".nav").appendChild(document.createElement("button"));
      bad.append(document.createElement("i"));
      bad.style.cssText = "inline-size: 8px; min-block-size: 8px; padding: 0";
      document.querySelector("h1").style.color = "oklch(0.3 0.01 230)";
    }""")
    seen = " ".join(found(officer.page))
    assert "button-name" in seen
    assert "color-contrast" in seen
