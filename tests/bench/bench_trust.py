"""How the camera's trust in its picture fares: false alarms on nine real clips, faults laid over each, CPU a frame.

`measure()` is for `make bench`; run by itself with -v it names each miss. Where the real clips are not, the drawn yard
stands in. Each fault of `tests/camera/faults.py` is laid over 12 s of a clip that has run for 25 s, then taken away
again; clips shorter than that run on from their end back to their beginning and again. Nuisances are laid over in the
same way, and must say nothing.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2

from camera.gateway import Gateway
from camera.source import Frame
from camera.trust import Trust
from camera.video import VideoSource, Wishes
from camera.village import gateway_polygon
from tests.camera.drawn_yard import DAY, INFRARED, LIT, SIZE, Drawn
from tests.camera.faults import FAULTS, LEAD_S, NUISANCES, Change, Plane

SHARED = Path(__file__).resolve().parents[2].parent / "shared"
STEP_S = 0.2
FAULT_S, AFTER_S = 12.0, 9.0
CUTS = {"night-street-empty.mp4": 0.6}  # seconds after which the clip is one view
MOST_FRAMES = 400


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of one fault: how long until its reason stood there, and until it was gone again; None: never."""

    noticed_s: float | None
    cleared_s: float | None
    named: str


def clips() -> dict[str, list[Plane]]:
    """Return the planes of the real clips at 5 frames/s, or of the drawn scene where they are not here."""
    folder = SHARED / "data" / "video"
    if not folder.is_dir():
        return drawn()
    found = {}
    for path in sorted(folder.iterdir()):
        source = VideoSource(str(path), Wishes(detect_fps=5.0, pace="fast", record=False), retry=False)
        found[path.name] = [item.luma.copy() for item in source.items() if isinstance(item, Frame)]
    return found


def drawn() -> dict[str, list[Plane]]:
    """Return twenty seconds of the drawn yard by day, by infrared and by the gate's lamp."""
    yard = Drawn()
    views = {"drawn by day": DAY, "drawn by infrared": INFRARED, "drawn by lamp": LIT}
    return {name: [yard.noisy(yard.levels(view)) for _ in range(100)] for name, view in views.items()}


def rolling(planes: list[Plane]) -> Iterator[Plane]:
    """Yield the planes forwards, backwards, forwards, without end."""
    return itertools.cycle([*planes, *planes[-2:0:-1]])


def tried(planes: list[Plane], change: Change, reason: str) -> Outcome:
    """Lay a change over a clip and say what came of it. `reason` "": whatever is said is named."""
    trust, shown = Trust(), rolling(planes)
    noticed = cleared = None
    named: set[str] = set()
    for number in range(round((LEAD_S + FAULT_S + AFTER_S) / STEP_S)):
        at_s = number * STEP_S
        plane = next(shown)
        if LEAD_S <= at_s < LEAD_S + FAULT_S:
            plane = change(plane, at_s)
        said = trust.look(plane, at_s)
        if said:
            named.add(said)
        if said == reason and noticed is None:
            noticed = at_s - LEAD_S
        if noticed is not None and at_s >= LEAD_S + FAULT_S and not said and cleared is None:
            cleared = at_s - LEAD_S - FAULT_S
    return Outcome(noticed_s=noticed, cleared_s=cleared, named=" ".join(sorted(named)))


def false_alarms(planes: list[Plane]) -> list[str]:
    """Return what is said of a clip as it is."""
    trust, said = Trust(), [""]
    for number, plane in enumerate(planes):
        reason = trust.look(plane, number * STEP_S)
        if reason != said[-1]:
            said.append(reason)
    return [reason for reason in said if reason]


def frozen_delay(planes: list[Plane]) -> tuple[float | None, float | None]:
    """Return after how long a picture that stands still is called frozen, and lives again."""
    trust, shown = Trust(), planes[: round(LEAD_S / STEP_S)]
    for number, plane in enumerate(shown):
        trust.look(plane, number * STEP_S)
    began = len(shown)
    noticed = cleared = None
    for number in range(began, began + 30):
        if trust.look(shown[-1], number * STEP_S) == "frozen" and noticed is None:
            noticed = (number - began + 1) * STEP_S
    for number, plane in enumerate(reversed(shown[:-1])):
        if trust.look(plane, (began + 30 + number) * STEP_S) != "frozen":
            cleared = (number + 1) * STEP_S
            break
    return noticed, cleared


def cpu_ms(begin: Callable[[], Callable[[Plane, float], object]], planes: list[Plane]) -> float:
    """Return CPU ms a frame at 5 frames/s: the best of three rounds, each begun anew."""
    rounds = []
    for _ in range(3):
        look, began_s = begin(), time.thread_time()
        for number, plane in enumerate(planes):
            look(plane, number * STEP_S)
        rounds.append((time.thread_time() - began_s) / len(planes) * 1000)
    return min(rounds)


def mixture() -> Callable[[Plane, float], object]:
    """Return a plain MOG2 to measure against."""
    model = cv2.createBackgroundSubtractorMOG2()
    return lambda plane, _: model.apply(plane)


def gateway_ms() -> float:
    """Return CPU ms a frame at 5 frames/s of the comparison with a closed gateway, once it is known."""
    yard, gateway = Drawn(), Gateway(gateway_polygon(*SIZE))
    seen = [yard.noisy(yard.levels(DAY)) for _ in range(7)]
    took_s: list[float] = []
    for number in range(600):
        began_s = time.thread_time()
        gateway.look(seen[number % 7], number * STEP_S, "closed" if number % 200 else "open", "limit", trusted=True)
        took_s.append(time.thread_time() - began_s)
    return round(sum(took_s[300:]) / 300 * 1000, 3)


def measure(*, verbose: bool = False) -> Mapping[str, object]:
    """Return the figures: false alarms, faults found of those tried with the slowest and the median delay, CPU."""
    cv2.setNumThreads(1)
    seen = clips()
    figures: dict[str, object] = {"clips": len(seen)}
    figures["false alarms on the clips as they are"] = sum(len(false_alarms(planes)) for planes in seen.values())
    figures["gateway, ms a frame"] = gateway_ms()
    ours = [cpu_ms(lambda: Trust().look, planes[:MOST_FRAMES]) for planes in seen.values()]
    theirs = [cpu_ms(mixture, planes[:MOST_FRAMES]) for planes in seen.values()]
    figures["ms a frame, mean of the clips"] = round(sum(ours) / len(ours), 3)
    figures["ratio to MOG2 on the same planes"] = round(sum(ours) / sum(theirs), 2)
    parts = {name: planes[round(CUTS.get(name, 0.0) / STEP_S) :][:MOST_FRAMES] for name, planes in seen.items()}
    frozen = [frozen_delay(planes) for planes in parts.values()]
    figures["frozen"] = summed([Outcome(noticed_s=n, cleared_s=c, named="") for n, c in frozen])
    for fault, (reason, change) in FAULTS.items():
        outcomes = {name: tried(planes, change, reason) for name, planes in parts.items()}
        figures[f"{reason}: {fault}"] = summed([*outcomes.values()])
        for name, outcome in outcomes.items():
            if verbose and (outcome.noticed_s is None or outcome.cleared_s is None or outcome.named != reason):
                print(f"    {fault:18} {name:24} {outcome}")
    for nuisance, change in NUISANCES.items():
        said = {name: tried(planes, change, "").named for name, planes in parts.items()}
        figures[f"quiet in {nuisance}"] = f"{sum(not reasons for reasons in said.values())}/{len(said)}"
        if verbose and any(said.values()):
            print(f"    {nuisance:18} {said}")
    return figures


def summed(outcomes: list[Outcome]) -> str:
    """Return "found/tried, median s, slowest s, cleared by n"."""
    delays = sorted(outcome.noticed_s for outcome in outcomes if outcome.noticed_s is not None)
    if not delays:
        return f"0/{len(outcomes)}"
    cleared = sum(outcome.cleared_s is not None for outcome in outcomes)
    return (
        f"{len(delays)}/{len(outcomes)}, median {delays[len(delays) // 2]:.1f} s, slowest {delays[-1]:.1f} s, "
        f"cleared {cleared}"
    )


if __name__ == "__main__":
    for key, value in measure(verbose="-v" in sys.argv).items():
        print(f"{key:44} {value}")
