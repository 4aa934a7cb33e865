"""The printable record of an evidence package: read back as another program would (issue 5, 7)."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import re
from dataclasses import replace

import pytest
from pypdf import PdfReader

from api.record import Record, RecordedChain, RecordedFile, Why, write_record
from api.record_flow import BOTTOM, LEFT, RIGHT, TOP, Rule, Text, broken
from api.record_pages import SIGNERS, local, offset, record_pages

AT = "2026-11-21T18:04:05.678Z"
A4 = (595.28, 841.89)
LACKS = "\N{REPLACEMENT CHARACTER}"


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def a_record(clips: int = 3, **changes: object) -> Record:
    """Return the record of a package with so many clips, each with its picture."""
    events = tuple(f"0193a5d2-9b04-7f66-8c2d-{number:012x}" for number in range(clips))
    files = [
        RecordedFile(name=f"{folder}/2026-11-22/{event}{suffix}", what="clip" if suffix == ".mp4" else "snapshot",
                     bytes=1_234_567, sha256=digest(event + suffix), begun_at=AT)
        for event in events for folder, suffix in (("clips", ".mp4"), ("snapshots", ".jpg"))
    ]  # fmt: skip
    files.append(RecordedFile(name="journal.jsonl", what="journal", bytes=98_765, sha256=digest("journal")))
    whole = Record(
        evidence_id="0193a5d2-7c1e-7a51-9d3b-5a0c4f2e8b17", site_id="hoa-thinh-1", site_name="Cổng số 1 xã Hòa Thịnh",
        timezone="Asia/Ho_Chi_Minh", place="Trụ sở Công an xã", taken_at=AT, clock_trusted=True, person="hung",
        person_name="Đại úy Nguyễn Quốc Hùng", device="Điện thoại trực ban", reason="Vụ trộm xe máy đêm 21/11",
        since="2026-11-21T17:00:00.000Z", until="2026-11-21T23:00:00.000Z", event_ids=events, files=tuple(files),
        chain=RecordedChain(first_seq=12_001, last_seq=12_477, rows=477, prev=digest("prev"), last_hash=digest("last")),
        key_fingerprint="7d0e 5b1c 9a44 2f68", version="1.0",
    )  # fmt: skip
    return replace(whole, **changes)  # type: ignore[arg-type] # a test names the fields that it changes


def read(pdf: bytes) -> tuple[PdfReader, list[str]]:
    """Return a PDF and the text of each page, without line breaks."""
    reader = PdfReader(io.BytesIO(pdf), strict=True)
    return reader, [" ".join(page.extract_text().split()) for page in reader.pages]


def grouped(sha256: str) -> str:
    return " ".join(re.findall(".{8}", sha256))


def measured(text: str, font: str, size: float) -> float:
    """Measure as a typewriter does."""
    del font
    return 0.6 * size * len(text)


def test_the_record_says_who_took_what_where_when_and_why() -> None:
    """In Vietnamese, at the site's own time with its offset, and every file with its hash."""
    record = a_record()
    _, pages = read(write_record(record))
    text = " ".join(pages)
    for said in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM", "BIÊN BẢN TRÍCH XUẤT DỮ LIỆU", "Cổng số 1 xã Hòa Thịnh (mã: hoa-thinh-1)",
        "Hồi 01 giờ 04 phút, ngày 22 tháng 11 năm 2026, tại Trụ sở Công an xã",
        f"22/11/2026 01:04:05 (UTC+07:00; giờ UTC: {AT})", "Đại úy Nguyễn Quốc Hùng (tài khoản: hung)",
        "Điện thoại trực ban", "Vụ trộm xe máy đêm 21/11",
        "Từ 22/11/2026 00:00:00 đến 22/11/2026 06:00:00, gồm 3 sự kiện",
        "Được tin cậy khi trích xuất", "7 tệp, 7.506.167 byte", "477, từ dòng 12001 đến dòng 12477, liên tục",
        grouped(digest("prev")), grouped(digest("last")), "7d0e 5b1c 9a44 2f68", "antt-gate verify", *SIGNERS,
        *record.event_ids,
    ):  # fmt: skip
        assert said in text, said
    for file in record.files:
        assert grouped(file.sha256) in text, file.name
        assert file.name in text.replace(" ", "") or file.name in text


def test_the_same_record_gives_the_same_bytes() -> None:
    """So that its hash in the manifest can be made again; its date is the package's, not the printer's."""
    record = a_record()
    first = write_record(record)
    assert write_record(record) == first
    assert write_record(replace(record, reason="Vụ khác")) != first
    reader, _ = read(first)
    assert reader.metadata
    assert reader.metadata.creation_date == dt.datetime(2026, 11, 21, 18, 4, 5, tzinfo=dt.UTC)
    assert reader.metadata.subject == record.evidence_id


def test_it_stands_on_a4_in_its_own_fonts_and_needs_nothing_of_the_reader() -> None:
    """A reader without Vietnamese fonts prints it the same: every font is embedded; nothing runs or is fetched."""
    pdf = write_record(a_record())
    reader, _ = read(pdf)
    for page in reader.pages:
        assert (float(page.mediabox.width), float(page.mediabox.height)) == pytest.approx(A4)
        for font in page["/Resources"]["/Font"].values():  # type: ignore[index] # pypdf says object
            whole = font.get_object()
            assert "NotoSans" in whole["/BaseFont"]
            assert "/FontFile2" in whole["/FontDescriptor"]
    assert not re.search(rb"/(JavaScript|JS|URI|Launch|EmbeddedFile|OpenAction)\b", pdf)


@pytest.mark.parametrize("clips", [0, 1, 12, 200])
def test_a_long_list_goes_over_many_pages_and_each_is_numbered(clips: int) -> None:
    """Each page says which of how many it is, and of which record; the table's head comes again."""
    record = a_record(clips)
    _, pages = read(write_record(record))
    for number, text in enumerate(pages, 1):
        assert text.endswith(f"Trang {number}/{len(pages)}"), text[-60:]
        assert record.evidence_id in text
    assert sum("Tệp và SHA-256" in text for text in pages) == sum(
        ".mp4" in text or "journal.jsonl" in text for text in pages
    )
    assert sum(text.count("clips/2026") for text in pages) == clips


def test_a_file_that_is_not_in_the_package_is_said_to_be_missing_and_why() -> None:
    """Never left out: it was chosen, and what the journal knew of it stands there."""
    first, *rest = a_record().files
    whys: tuple[Why, ...] = ("deleted", "recording", "unreadable")
    gone = [replace(file, missing=True, bytes=0, why=why) for file, why in zip(rest, whys, strict=False)]
    text = " ".join(read(write_record(a_record(files=(first, *gone, *rest[3:]))))[1])
    assert "3 tệp được chọn mà KHÔNG có trong gói" in text
    assert (
        f"Ảnh KHÔNG có trong gói: đã bị xóa trước khi trích xuất SHA-256 theo nhật ký: {grouped(gone[0].sha256)}"
        in text
    )
    assert "Đoạn phim KHÔNG có trong gói: còn đang ghi khi trích xuất" in text
    assert "Ảnh KHÔNG có trong gói: không đọc được khi trích xuất" in text
    assert "4 tệp, " in text


def test_a_file_that_is_not_what_was_saved_is_told_in_both_hashes() -> None:
    """Somebody changed it after the journal had its hash: whoever reads the record must not have to compare."""
    first, second, *rest = a_record().files
    files = (replace(first, journal_sha256=digest("as saved")), replace(second, journal_sha256=second.sha256), *rest)
    text = " ".join(read(write_record(a_record(files=files)))[1])
    assert "1 tệp KHÁC với những gì nhật ký đã ghi" in text
    assert f"{grouped(first.sha256)} SHA-256 theo nhật ký: {grouped(digest('as saved'))}" in text
    assert text.count("SHA-256 theo nhật ký") == 1


def test_what_is_not_known_is_said_too() -> None:
    """A clock that is not believed, a phone without a name, chosen events instead of a span, an empty journal."""
    chain = RecordedChain(first_seq=0, last_seq=0, rows=0, prev="", last_hash="")
    record = a_record(clock_trusted=False, device="", since=None, until=None, chain=chain)
    text = " ".join(read(write_record(record))[1])
    for said in ("CHƯA được tin cậy", "(không đặt tên)", "3 sự kiện được chọn", "Không có dòng nhật ký nào"):
        assert said in text, said
    assert "Đến 22/11/2026 06:00:00" in " ".join(read(write_record(a_record(since=None)))[1])
    assert "Từ 22/11/2026 00:00:00, gồm" in " ".join(read(write_record(a_record(until=None)))[1])


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Nguye\N{COMBINING CIRCUMFLEX ACCENT}\N{COMBINING TILDE}n", "Nguyễn"),  # as some phones send it
        ("<b>&amp; %PDF (\\) 5.000 ₫", "<b>&amp; %PDF (\\) 5.000 ₫"),
        ("tuần tra 巡逻 \N{POLICE CAR}", f"tuần tra {LACKS}{LACKS} {LACKS}"),
        ("x" * 200, "x" * 70),
        ("a\x00b\x1bc", "a b c"),
    ],
)  # fmt: skip
def test_any_text_that_a_person_wrote_is_set_as_text(given: str, shown: str) -> None:
    """Marks that are apart are joined, no markup is obeyed, what the font lacks is marked, a long word is broken."""
    assert shown in " ".join(read(write_record(a_record(reason=given)))[1])


def test_every_letter_of_vietnamese_is_in_both_fonts() -> None:
    """All 134 letters with their marks, and the bold ones in the title's place."""
    marks = ["", *map(chr, (0x300, 0x301, 0x303, 0x309, 0x323))]
    letters = "".join(vowel + mark for vowel in "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY" for mark in marks) + "đĐ"
    text = " ".join(read(write_record(a_record(site_name=letters)))[1])
    assert LACKS not in text


def test_nothing_stands_outside_the_page_or_below_its_foot() -> None:
    """Names as long as a person may make them, and the same over several pages."""
    long = "Ủy ban nhân dân " * 12
    record = a_record(
        40, site_name=long[:80], place=long[:200], person_name=long[:80], device=long[:80], reason=long[:200]
    )
    for page in record_pages(record, measured):
        *body, _, foot, number = page.items
        assert isinstance(foot, Text)
        assert isinstance(number, Text)
        for item in body:
            match item:
                case Text():
                    width = measured(item.text, item.font, item.size)
                    left = item.x - {"left": 0.0, "center": width / 2, "right": width}[item.align]
                    assert LEFT - 0.01 <= left <= left + width <= RIGHT + 0.01, item
                    assert BOTTOM - 0.01 <= item.y <= TOP, item
                case Rule():
                    assert BOTTOM - 3.0 <= item.y0 <= TOP, item


def test_a_word_that_is_wider_than_its_column_is_broken_and_loses_no_letter() -> None:
    text = "một từ " + "x" * 50 + " nữa"
    lines = broken(text, 60.0, "regular", 10.0, measured)
    assert all(measured(line, "regular", 10.0) <= 60.0 for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())
    assert broken("", 60.0, "regular", 10.0, measured) == [""]


def test_times_are_the_sites_own() -> None:
    """Also where a summer has another offset than its winter."""
    assert (local(AT, "Asia/Ho_Chi_Minh"), offset(AT, "Asia/Ho_Chi_Minh")) == ("22/11/2026 01:04:05", "UTC+07:00")
    summer = "2026-07-01T12:00:00.000Z"
    assert (offset(summer, "America/St_Johns"), offset(AT, "America/St_Johns")) == ("UTC-02:30", "UTC-03:30")
