"""The one sign-in link that is made at a start.

On a real gate: for a first maintainer, only while nobody can look after the accounts. In simulation: at every start,
for a person who may do everything. There is no default password anywhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.accounts import Store
from api.people import PAIRING_LASTS_S, SIMULATED_PAIRING_LASTS_S, Accounts, Person
from api.reports import Reports
from gate.model import Kind, Role

FIRST_NAME = "maintainer"
FIRST_DISPLAY_NAME = "Kỹ thuật viên"
SIMULATED_NAME = "chihuy"
SIMULATED_DISPLAY_NAME = "Chỉ huy mô phỏng"


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstLink:
    """A code to be shown once, whose it is and how long it lasts."""

    code: str
    person: Person
    lasts_s: float

    def line(self, link: str) -> str:
        """Return what is printed: one line."""
        hours, minutes = divmod(int(self.lasts_s) // 60, 60)
        lasts = f"{hours} h" if hours else f"{minutes} min"
        return f"antt-gate: sign in as {self.person.display_name} (one time, within {lasts}): {link}"


def make_first_link(store: Store, *, simulated: bool, now_s: float) -> FirstLink | None:
    """Return the link's code where this start needs one; an older one that was not used is worth nothing then."""
    accounts = Accounts(store)
    if not simulated and accounts.somebody_can_maintain(now_s):
        return None
    if simulated:
        name, shown, lasts_s = SIMULATED_NAME, SIMULATED_DISPLAY_NAME, SIMULATED_PAIRING_LASTS_S
        roles = frozenset({Role.COMMANDER, Role.MAINTAINER})
    else:
        name, shown, lasts_s = FIRST_NAME, FIRST_DISPLAY_NAME, PAIRING_LASTS_S
        roles = frozenset({Role.MAINTAINER})
    person = accounts.person(name)
    if person is None:
        accounts.add_person(name, shown, roles, None, now_s)
        change = f"added as {' '.join(sorted(roles))}, at the first start"
        Reports(store).add(Kind.USER_CHANGED, {"user": name, "change": change}, None)
    elif person.disabled or not roles <= person.roles:
        accounts.change_person(name, roles=person.roles | roles, disabled=False)
    code = accounts.make_pairing(name, lasts_s, now_s)
    found = accounts.person(name)
    return None if found is None else FirstLink(code=code, person=found, lasts_s=lasts_s)
