"""`antt-gate diagram`: the rules' own tables as Markdown with Mermaid, for docs/safety.md and for whoever checks them.

Nothing here is a copy: tables are read from the rules (`drives.RELAY`, `bars.BARS`, `memory.TROUBLES`, `machine.RULES`,
`steps.LOGICS`), and what follows what is found by making reference moves with them (`rehearsal.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gate import machine, rehearsal
from gate.bars import BARS
from gate.drives import RELAY
from gate.memory import TROUBLES, Phase
from gate.model import Drive, Health
from gate.refusals import SENTENCES
from gate.rehearsal import Change
from gate.steps import LOGICS, Step

BEGIN, END = "<!-- antt-gate diagram: begin -->", "<!-- antt-gate diagram: end -->"
START = "[*]"
PROOFS = {"limit": "its limit", "drive": "a relay's pin", "none": "nothing proves it"}


def drawn() -> str:
    """Return all diagrams and tables."""
    return "\n\n".join([
        "### What is published of the leaf",
        "On each arrow: what proves it.",
        _fenced(_states()),
        *_drives(),
        "### What is energised",
        "Nothing in any other case, and never two (I1).",
        _relays(),
        "### What forbids a move, the highest priority first",
        "The first that holds refuses a command, keeps a move from starting and ends one that runs.",
        _bars(),
        "### What is wrong, the worst first",
        _troubles(),
        "### What looks at a sample, in this order",
        _rules(),
        "### What a press of the one button does, by the operator's logic",
        _logics(),
    ])  # fmt: skip


def placed(page: str) -> str:
    """Return a page with the diagrams between its two marks. Raises `ValueError` where it has none."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"it has no place for the tables, between {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{drawn()}\n\n{END}{after}"


def _states() -> Iterator[str]:
    merged = _merged(Change(before=c.before, after=c.after, why=PROOFS[c.why]) for c in rehearsal.states())
    yield f"{START} --> unknown: power-up"
    yield from (f"{before} --> {after}: {why}" for before, after, why in merged)


def _drives() -> Iterator[str]:
    for drive in Drive:
        yield f"### What is done about the leaf: drive `{drive.value}`"
        yield _fenced(_phases(drive))


def _phases(drive: Drive) -> Iterator[str]:
    """Yield the arrows between phases; a phase that energises a relay says which."""
    merged = _merged(rehearsal.phases(drive))
    used = {name for before, after, _ in merged for name in (before, after)}
    for phase in Phase:
        relays = sorted({relay.value for (of, at, _), relay in RELAY.items() if of is drive and at is phase})
        if phase.value in used and relays:
            yield f"{phase.value}: {phase.value} ({' or '.join(relays)})"
    yield f"{START} --> settling: power-up"
    yield from (f"{before} --> {after}: {why}" for before, after, why in merged)


def _merged(changes: Iterable[Change]) -> list[tuple[str, str, str]]:
    """Return one arrow for each pair, with all its reasons."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        arrows.setdefault((str(change.before), str(change.after)), []).append(change.why)
    return [(before, after, ", ".join(whys)) for (before, after), whys in arrows.items()]


def _relays() -> str:
    rows = [
        (drive.value, phase.value, direction.value if direction else "nothing", f"`{relay.value}`")
        for (drive, phase, direction), relay in RELAY.items()
    ]
    return _table(("drive", "phase", "wanted", "relay"), rows)


def _bars() -> str:
    rows = [(f"`{code.value}`", SENTENCES[code][0] if code in SENTENCES else "") for code, _ in BARS]
    return _table(("code", "why"), rows)


def _troubles() -> str:
    rows = [(f"`{code.value}`", "-" if health is Health.OK else health.value) for code, health in TROUBLES.items()]
    return _table(("trouble", "health"), rows)


def _rules() -> str:
    told = [(rule.__name__.strip("_"), (rule.__doc__ or "").partition("\n")[0]) for rule in machine.RULES]
    return "\n".join(f"{number}. `{name}`{f': {text}' if text else ''}" for number, (name, text) in enumerate(told, 1))


def _logics() -> str:
    head = ("logic", *(f"in {step.value}" for step in Step))
    return _table(head, [(f"`{name}`", *(logic[step].value for step in Step)) for name, logic in LOGICS.items()])


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _fenced(lines: Iterable[str]) -> str:
    return "\n".join(["```mermaid", "stateDiagram-v2", *(f"    {line}" for line in lines), "```"])
