"""The one connection to the camera, and what waits for each page. Both ends are the real ones, in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path

import pytest

from api.clock import Clock
from api.live_feed import Feed, Seat
from api.live_queue import (
    DELTA,
    JPEG,
    KEY,
    MOST_WAITING_BYTES,
    MOST_WAITING_S,
    PATIENCE_S,
    QUICK_S,
    Group,
    Pulse,
    Stills,
    Unit,
    Units,
)
from camera.live import LiveServer
from camera.source import AccessUnit, Stream
from gate.model import JsonObject

STREAM = Stream(codec="avc1.64001f", width=1280, height=720, fps=15.0)
CONFIG: JsonObject = {"type": "config", "codec": "avc1.64001f", "width": 1280, "height": 720, "fps": 15.0}
AWAY: JsonObject = {"type": "no_picture", "reason": "the camera does not answer"}
STILL: JsonObject = {"type": "no_picture", "reason": "the picture stands still"}


class House:
    """A feed, and a camera that comes and goes."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "live.sock"
        self.feed = Feed(self.path, folder / "snapshot.jpg", Clock(), silent_s=0.2)
        self.keys = 0
        self.watched: list[bool] = []
        self._camera: LiveServer | None = None

    @property
    def camera(self) -> LiveServer:
        assert self._camera
        return self._camera

    async def camera_comes(self) -> None:
        self._camera = LiveServer(self.path, ask_key=self._ask_key, watched=self.watched.append)
        await self._camera.start()
        self._camera.stream(STREAM)

    async def camera_dies(self) -> None:
        if self._camera:
            await self._camera.stop()
            self._camera = None

    def shows(self, number: int, *, key: bool = False) -> None:
        at_s = time.monotonic()
        self.camera.unit(AccessUnit(data=bytes([number]) * 50, at_s=at_s, decode_s=at_s, key=key))

    def _ask_key(self) -> None:
        self.keys += 1


@contextlib.asynccontextmanager
async def house_in(folder: Path) -> AsyncIterator[House]:
    house = House(folder)
    running = asyncio.create_task(house.feed.run())
    try:
        yield house
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await house.camera_dies()
        await asyncio.sleep(0)


async def next_of(seat: Seat) -> JsonObject | Unit:
    """Return what comes next to a page."""
    async with asyncio.timeout(5):
        while (item := seat.queue.take(asyncio.get_running_loop().time())) is None:
            seat.more.clear()
            await seat.more.wait()
    return item


async def seen(seat: Seat) -> tuple[int, int]:
    """Return kind and number of the next unit."""
    item = await next_of(seat)
    assert isinstance(item, Unit)
    return item.kind, item.payload[0]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.005)


def tell(story: Callable[[], Coroutine[None, None, None]]) -> None:
    asyncio.run(story())


def test_a_camera_that_is_killed_is_told_of_and_comes_back_by_itself(tmp_path: Path) -> None:
    """Each page hears of it once, keeps its place and begins anew at a key picture."""

    async def story() -> None:
        async with house_in(tmp_path) as house:
            seats = [house.feed.watch() for _ in range(2)]
            for _ in range(2):
                for seat in seats:
                    assert await next_of(seat) == AWAY
                await house.camera_comes()
                for seat in seats:
                    assert await next_of(seat) == CONFIG
                house.shows(1)
                house.shows(2, key=True)
                for seat in seats:
                    assert await seen(seat) == (KEY, 2)
                await house.camera_dies()

    tell(story)


def test_a_camera_that_sends_nothing_is_told_of_and_goes_on(tmp_path: Path) -> None:
    """Connected and silent, as a stopped process is."""

    async def story() -> None:
        async with house_in(tmp_path) as house:
            await house.camera_comes()
            seat = house.feed.watch()
            assert await next_of(seat) == CONFIG
            house.shows(1, key=True)
            assert await seen(seat) == (KEY, 1)
            assert await next_of(seat) == STILL
            late = house.feed.watch()
            assert [await next_of(late), await next_of(late)] == [CONFIG, STILL]
            house.shows(2)
            house.shows(3, key=True)
            units = [await seen(seat)]
            while units[-1] != (KEY, 3):  # a page that was patient for long enough begins with the old key picture
                units.append(await seen(seat))
            assert units[0][0] == KEY, "what was sent before may be undecodable now"

    tell(story)


@pytest.mark.parametrize(
    "sent",
    [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x01" + bytes(8) + b"\xff\xff\xff\xff", b"\x00" + bytes(11) + b"\x02[]"],
)
def test_garbage_in_the_cameras_place_is_no_picture_and_nothing_worse(tmp_path: Path, sent: bytes) -> None:
    """Another kind of message, an endless one, a configuration that is none: away, until a camera is there."""

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        await writer.drain()
        writer.close()

    async def story() -> None:
        async with house_in(tmp_path) as house:
            odd = await asyncio.start_unix_server(answer, house.path)
            seat = house.feed.watch()
            assert await next_of(seat) == AWAY
            odd.close()
            await house.camera_comes()
            assert await next_of(seat) == CONFIG

    tell(story)


def test_the_encoder_rests_when_nobody_watches(tmp_path: Path) -> None:
    """Pages that want JPEGs need none; the last page to leave lets it rest, the connection goes a moment later."""

    async def story() -> None:
        async with house_in(tmp_path) as house:
            await house.camera_comes()
            still, seat = house.feed.watch(jpeg_fps=2.0), house.feed.watch()
            await until(lambda: house.watched == [True])
            house.feed.leave(seat)
            await until(lambda: house.watched == [True, False])
            house.camera.picture(10.0, 10.0, lambda: b"\xff\xd8")
            assert await seen(still) == (JPEG, 0xFF)

    tell(story)


def test_pages_at_any_pace_share_the_bytes_of_one_reading(tmp_path: Path) -> None:
    """Ten pages, one of which takes nothing: one connection, and each unit is in memory once."""

    async def story() -> None:
        async with house_in(tmp_path) as house:
            await house.camera_comes()
            seats = [house.feed.watch() for _ in range(10)]
            await until(lambda: house.camera.viewers == 10)
            house.shows(1, key=True)
            for number in range(2, 6):
                house.shows(number)
            shown = [[await next_of(seat) for _ in range(6)] for seat in seats[1:]]
            assert all(its[0] == CONFIG for its in shown)
            assert all(mine is its for others in shown for mine, its in zip(shown[0][1:], others[1:], strict=True))
            assert len(house.camera._tasks) == 1
            assert isinstance(seats[0].queue, Units)
            assert list(seats[0].queue._waiting) == shown[0][1:]

    tell(story)


# --- what waits -------------------------------------------------------------------------------------------------------


def unit(number: int, kind: int = DELTA, size: int = 100) -> Unit:
    """Return what came at `number` tenths of a second."""
    return Unit(kind=kind, mono_ms=number * 100, payload=bytes([number % 256]) * size, came_s=number / 10)


def fed(queue: Units, units: range, keys: int = 10) -> Units:
    """Let these come to a page; every `keys`-th is a key picture."""
    for number in units:
        queue.offer(unit(number, DELTA if number % keys else KEY), [])
    return queue


def numbers(queue: Units, now_s: float) -> list[int]:
    """Take all units that wait."""
    return [item.payload[0] for item in iter(lambda: queue.take(now_s), None) if isinstance(item, Unit)]


def test_a_slow_page_goes_on_at_the_newest_key_picture() -> None:
    """And never at a picture that can't be decoded; without a newer key picture it goes on where it is, and asks."""
    queue = fed(Units(0.0), range(26))
    assert not queue.starved(2.5)
    assert numbers(queue, 2.5) == [20, 21, 22, 23, 24, 25]
    fed(queue, range(26, 29))
    assert queue.starved(2.6 + MOST_WAITING_S + 0.01)
    assert numbers(queue, 2.6 + MOST_WAITING_S + 0.01) == [26, 27, 28]
    assert not queue.starved(9.9)


def test_a_page_begins_at_a_key_picture_or_after_a_while_with_the_old_one() -> None:
    """A young group at once; else the next key picture; else all of the group, once."""
    group = Group()
    for number in range(3):
        group.add(unit(number, KEY if number == 0 else DELTA))
    assert group.is_young(0.2)
    assert not group.is_young(0.4)
    queue = Units(0.25)
    group.add(unit(3))
    queue.offer(unit(3), group.units)
    assert queue.starved(0.3)
    assert len(queue) == 0
    late = round((0.25 + PATIENCE_S) * 10 + 0.5)
    group.add(unit(late))
    queue.offer(unit(late), group.units)
    assert numbers(queue, late / 10) == [0, 1, 2, 3, late]


def test_what_waits_for_a_page_is_bounded_in_bytes() -> None:
    """A thousand large units that nobody takes."""
    queue = Units(0.0)
    for number in range(1010):
        queue.offer(unit(number, DELTA if number % 50 else KEY, size=10_000), [])
        assert queue.bytes <= MOST_WAITING_BYTES
    assert queue.bytes == 10_000 * len(queue)
    queue.begin(STILL, config=False)
    queue.begin(CONFIG, config=True)
    assert (queue.bytes, queue.take(0.0), queue.take(0.0)) == (0, CONFIG, None)


@pytest.mark.parametrize(
    ("fps", "least", "most"), [(0.2, 1, 2), (1.0, 4, 5), (2.0, 8, 10), (5.0, 20, 21), (10.0, 21, 21)]
)
def test_jpegs_are_chosen_at_the_pages_own_rate(fps: float, least: int, most: int) -> None:
    """Five a second come; of what is not taken in time only the newest is left."""
    queue = Stills(fps)
    taken = 0
    for number in range(100, 142, 2):
        queue.offer(unit(number, JPEG), [])
        taken += queue.take(0.0) is not None
    assert least <= taken <= most
    for number in range(300, 400):
        queue.offer(unit(number, JPEG), [])
    last = queue.take(0.0)
    assert isinstance(last, Unit)
    assert last.mono_ms > 39_900 - 1000 / fps - 100
    assert queue.take(0.0) is None


# --- what a page has taken --------------------------------------------------------------------------------------------


def test_a_quick_page_is_sent_one_after_the_other_with_one_ping_under_way() -> None:
    """The first message is followed by a ping; those after it by one when that is answered."""
    pulse = Pulse()
    assert pulse.may_send(0.0)
    assert pulse.sent(0.0)
    assert pulse.may_send(0.1)
    assert not pulse.sent(0.1)
    assert pulse.answered(0.2), "more has gone since: ask again"
    assert not pulse.answered(0.3)
    assert pulse.sent(0.4)


def test_a_slow_page_gets_one_message_after_another() -> None:
    """A key picture took four seconds: until the page has it, and each one after it, nothing more is sent."""
    pulse = Pulse()
    pulse.sent(0.0)
    assert pulse.may_send(QUICK_S - 0.1)
    assert not pulse.may_send(QUICK_S + 0.1)
    assert not pulse.answered(4.0)
    assert pulse.may_send(4.0)
    pulse.sent(4.0)
    assert not pulse.may_send(4.1), "slow until it has shown to be quick again"
    assert not pulse.answered(4.3)
    pulse.sent(4.4)
    assert pulse.may_send(4.5)


def test_an_answer_that_nobody_asked_for_is_nothing() -> None:
    """A page may send what it likes."""
    pulse = Pulse()
    assert not pulse.answered(1.0)
    assert pulse.may_send(1.0)
