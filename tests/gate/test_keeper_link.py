"""The gate's end of the keeper: what it tells a new one, and how it takes one that dies, hangs or can't begin."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from config.load import SIMULATE_FILE, load
from config.schema import Settings
from gate.keeper_link import Heard, KeeperLink, longest_of, pins_of
from gate.model import JsonObject, Outputs, Relay, Sensor

OUTPUTS = {"lamp", "buzzer", "siren", "light", "beam_test"}


def settings(folder: Path, *overrides: str) -> Settings:
    return load(SIMULATE_FILE, [f'storage.state_dir="{folder}"', *overrides])


def test_every_wired_signal_goes_to_the_keeper_with_its_line_and_polarity(tmp_path: Path) -> None:
    pins = {str(pin["signal"]): pin for pin in pins_of(settings(tmp_path))}
    assert set(pins) == {sensor.value for sensor in Sensor} | OUTPUTS | {"open_relay", "close_relay"}
    assert pins["beam"] == {"signal": "beam", "line": 13, "active_high": False, "pull": "up"}
    assert pins["open_relay"] == {"signal": "open_relay", "line": 17, "active_high": True, "pull": None}
    assert len({pin["line"] for pin in pins.values()}) == len(pins)


def test_a_held_relay_may_be_on_for_a_travel_and_a_second(tmp_path: Path) -> None:
    """I9, the keeper's own: the configured travel, whatever the gate process has learned."""
    assert longest_of(settings(tmp_path, "gate.timing.max_travel_s=12.0")) == {"open_relay": 13.0, "close_relay": 13.0}


def test_a_pulse_may_be_on_for_a_second(tmp_path: Path) -> None:
    momentary = settings(tmp_path, 'gate.drive="momentary"', "gate.pins.stop_relay.line=10")
    assert longest_of(momentary) == {"open_relay": 1.0, "close_relay": 1.0, "stop_relay": 1.0}


class Desk:
    """A gate process without rules: it answers each sample with the same outputs."""

    def __init__(self, folder: Path) -> None:
        self.trace = folder / "pins.jsonl"
        self.samples: list[JsonObject] = []
        self.pids: list[int] = []
        self.ends: list[tuple[float, str]] = []
        self.outputs: Outputs | None = Outputs()
        heard = Heard(samples=self._samples, yard=lambda _: None, up=self.pids.append, down=self._down)
        self.link = KeeperLink(settings(folder), folder, self.trace, heard)

    def _samples(self, packets: list[JsonObject]) -> None:
        self.samples += packets
        if self.outputs:
            self.link.order(int(str(packets[-1]["seq"])), self.outputs, fast=True)

    def _down(self, reason: str) -> None:
        self.ends.append((time.monotonic(), reason))

    def shown(self) -> set[str]:
        shown = self.samples[-1]["out"] if self.samples else {}
        return {name for name, on in shown.items() if on} if isinstance(shown, dict) else set()

    async def until(self, condition: Callable[[], bool], within_s: float = 5.0) -> None:
        end_s = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < end_s
            await asyncio.sleep(0.005)


def play(folder: Path, story: Callable[[Desk], Coroutine[None, None, None]]) -> Desk:
    """Tell a story with a real keeper."""

    async def told() -> Desk:
        desk = Desk(folder)
        desk.link.open()
        try:
            await desk.until(lambda: bool(desk.samples), 10)
            await story(desk)
        finally:
            await desk.link.close()
        return desk

    return asyncio.run(told())


@pytest.mark.slow
def test_what_is_ordered_is_on_and_is_off_when_the_link_is_closed(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        desk.outputs = Outputs(relay=Relay.OPEN, lamp=True, buzzer=True, siren=True, light=True, beam_test=True)
        await desk.until(lambda: desk.shown() == {"open_relay", *OUTPUTS})

    play(tmp_path, story)
    rows = [json.loads(line) for line in (tmp_path / "pins.jsonl").read_text(encoding="ascii").splitlines()]
    levels = {row["name"]: row["level"] for row in rows}
    assert {name: levels[name] for name in ("open_relay", *OUTPUTS)} == dict.fromkeys(("open_relay", *OUTPUTS), 0)


@pytest.mark.slow
def test_a_killed_keeper_is_noticed_within_100_ms_and_another_one_started(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        killed_s = time.monotonic()
        os.kill(desk.pids[0], signal.SIGKILL)
        await desk.until(lambda: bool(desk.ends))
        assert desk.ends[0][0] - killed_s <= 0.1
        assert "-9" in desk.ends[0][1]
        await desk.until(lambda: len(desk.pids) == 2)
        desk.samples.clear()
        await desk.until(lambda: bool(desk.samples))
        assert desk.shown() == set()

    play(tmp_path, story)


@pytest.mark.slow
def test_a_hanging_keeper_is_ended_and_said_to_have_been_silent(tmp_path: Path) -> None:
    async def story(desk: Desk) -> None:
        os.kill(desk.pids[0], signal.SIGSTOP)
        await desk.until(lambda: bool(desk.ends), 2)
        assert "silent" in desk.ends[0][1]
        await desk.until(lambda: len(desk.pids) == 2)

    play(tmp_path, story)


@pytest.mark.slow
def test_without_answers_everything_goes_off_and_the_keeper_lives_on(tmp_path: Path) -> None:
    """I6: the lease is the keeper's, whatever the gate process does."""

    async def story(desk: Desk) -> None:
        desk.outputs = Outputs(relay=Relay.OPEN, lamp=True)
        await desk.until(lambda: desk.shown() == {"open_relay", "lamp"})
        desk.outputs, silent_s = None, time.monotonic()
        await desk.until(lambda: desk.shown() == set())
        assert time.monotonic() - silent_s <= 0.5
        assert desk.ends == []

    play(tmp_path, story)
