"""Nothing on any view keeps people from using it, as far as a program can tell: axe-core, WCAG 2.2 AA and good habits.

Each view is brought to the screen once and looked at in both themes and both sizes; one browser goes through all views
of a role, because its start costs more than the looking. A new view is a new row of VIEWS.
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
DRESS = """async (theme) => {
  const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  localStorage.theme = theme;
  document.documentElement.dataset.theme = theme;
  await drawn();
  for (const each of document.getAnimations()) if (each.effect.getComputedTiming().endTime < Infinity) each.finish();
  await drawn();
}"""
GO = """at => {
  document.querySelector("main").dataset.left = "";
  location.hash = at;
}"""
HOME, AWAY = "#cong", "#thong-bao"
Step = Callable[[Officer], None]


@dataclass(frozen=True, kw_only=True)
class View:
    """A view: who sees it (None: nobody is signed in), its address, what to do there, and what shows that it stands."""

    role: str | None = "commander"
    at: str = HOME
    then: Step | None = None
    stands: str


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


def silent(officer: Officer) -> None:
    """Take the gate process and the camera away."""
    officer.village.camera = "stale"
    officer.village.beat(gate_up=False)


def hold(officer: Officer) -> None:
    """Ask how long the gate is to be held open."""
    officer.page.locator(".nav-urgent").click()
    officer.page.locator("[data-command=hold_open]").click()


GONE = ".home:has(.state[data-state=silent])"
VIEWS = {
    "signed out": View(role=None, stands=".signin"),
    "home": View(stands=".state[data-state=closed]"),
    "home of a viewer": View(role="viewer", stands=".barred"),
    "picture over all": View(then=tap(".picture"), stands="[data-large] .trouble"),
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
    # What these two bring about does not end with them.
    "home, refused": View(then=refused, stands=".notice:not([hidden])"),
    "home without a gate": View(then=silent, stands=f"{GONE}:has([data-picture=stale])"),
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


def comes(officer: Officer, view: View) -> None:
    """Bring a view to a phone's screen anew, whatever the last one left open."""
    page = officer.page
    wear(page, SIZES[0], THEMES[0])
    for at in dict.fromkeys((AWAY if page.evaluate("location.hash || '#cong'") == view.at else view.at, view.at)):
        page.evaluate(GO, at)
        expect(page.locator("main:not([data-left])")).to_be_visible()
    if view.then:
        view.then(officer)


def wear(page: Page, size: tuple[int, int], theme: str) -> None:
    """Give the page a size and a theme, and wait until it wears them."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.evaluate(DRESS, theme)


def found(page: Page) -> list[str]:
    """Return what axe-core finds in every theme and size; of a second theme only the colours are new."""
    if page.evaluate("!globalThis.axe"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    seen = []
    for size, theme in product(SIZES, THEMES):
        wear(page, size, theme)
        seen += [f"{size[0]} {theme}: {each}" for each in page.evaluate(LOOK, theme != THEMES[0])]
    return seen


@pytest.mark.parametrize("role", dict.fromkeys(view.role for view in VIEWS.values()), ids=str)
def test_nothing_keeps_people_from_using_a_view(phones: Phones, busy: Village, role: str | None) -> None:
    """Issue 7: axe-core finds no violation on any view."""
    officer = phones.officer(role=role)
    if role:
        officer.opens()
    else:
        officer.page.goto(busy.address)
    seen: dict[str, list[str]] = {}
    for name, view in VIEWS.items():
        if view.role == role:
            if role:
                comes(officer, view)
            expect(officer.page.locator(view.stands).first, name).to_be_visible()
            seen[name] = found(officer.page)
    assert {name: faults for name, faults in seen.items() if faults} == {}


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
