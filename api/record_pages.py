"""What a record says, and where it stands: from a `Record` to pages. Pure.

The words are Vietnamese, in the order of an official record: who we are, what it is, who took what where and why, the
files, the journal's chain, the signature, the lines to sign on. Times are the site's own, with their offset.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo

from api.record import Record, RecordedFile, What, Why
from api.record_flow import LEFT, RIGHT, Align, Cell, Flow, Line, Measure, Page, Rule

NATION = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
MOTTO = "Độc lập - Tự do - Hạnh phúc"
TITLE = "BIÊN BẢN TRÍCH XUẤT DỮ LIỆU"
SUBTITLE = "(hình ảnh camera và nhật ký của cổng)"
SIGNERS = ("NGƯỜI TRÍCH XUẤT", "NGƯỜI CHỨNG KIẾN", "NGƯỜI NHẬN DỮ LIỆU")
DASH = "\N{EN DASH}"
TO_FILL = (
    "Thiết bị lưu trữ bàn giao (loại, số sê-ri)", "Người chứng kiến (họ tên, đơn vị)",
    "Người nhận (họ tên, chức vụ, đơn vị)",
)  # fmt: skip
FILLED_FROM = LEFT + 205.0
LABEL = 118.0
NUMBER, NAME, BEGUN, BYTES = LEFT, LEFT + 26, RIGHT - 150, RIGHT
SMALL = 7.5
SIGNING = 150.0
KINDS: dict[What, str] = {"clip": "Đoạn phim", "snapshot": "Ảnh", "journal": "Nhật ký"}
REASONS: dict[Why | None, str] = {
    None: "không còn khi trích xuất", "deleted": "đã bị xóa trước khi trích xuất",
    "recording": "còn đang ghi khi trích xuất", "unreadable": "không đọc được khi trích xuất",
}  # fmt: skip


def record_pages(record: Record, measure: Measure) -> list[Page]:
    """Lay a record out; the same record and fonts give the same pages."""
    flow = Flow(measure)
    _heading(flow, record)
    _facts(flow, record)
    _events(flow, record)
    _files(flow, record)
    _chain(flow, record)
    _signature(flow, record)
    _signing(flow, record)
    return flow.finished(
        f"Biên bản trích xuất dữ liệu {DASH} {record.evidence_id}", lambda number, of: f"Trang {number}/{of}"
    )


def local(at: str, timezone: str) -> str:
    """Return a moment of the contract (UTC) as it is written in Vietnam, in the site's own time."""
    here = dt.datetime.fromisoformat(at).astimezone(zoneinfo.ZoneInfo(timezone))
    return f"{here:%d/%m/%Y %H:%M:%S}"


def offset(at: str, timezone: str) -> str:
    """Return how far the site's time is ahead of UTC then, as `UTC+07:00`."""
    here = dt.datetime.fromisoformat(at).astimezone(zoneinfo.ZoneInfo(timezone))
    text = f"{here:%z}"
    return f"UTC{text[:3]}:{text[3:5]}"


def counted(number: int) -> str:
    """Return a whole number as it is written in Vietnam: 1.234.567."""
    return f"{number:,}".replace(",", ".")


def grouped(digits: str) -> str:
    """Return a hash in groups of eight, as it is read aloud."""
    return " ".join(digits[at : at + 8] for at in range(0, len(digits), 8))


def _heading(flow: Flow, record: Record) -> None:
    middle = LEFT + 0.36 * (RIGHT - LEFT)
    width, top = middle - LEFT - 14, flow.y
    number = flow.lines(f"Số: {record.evidence_id}", width, size=SMALL)
    flow.row(Cell(x=LEFT, lines=[*flow.lines(record.site_name, width, "bold", 9.0), *number]))
    below, flow.y = flow.y, top
    flow.paragraph(NATION, font="bold", size=9.5, align="center", x0=middle)
    flow.paragraph(MOTTO, font="bold", size=9.5, align="center", x0=middle)
    flow.gap(5)
    half = (middle + RIGHT) / 2
    flow.put(Rule(x0=half - 62, y0=flow.y, x1=half + 62, y1=flow.y))
    flow.y = min(flow.y, below)
    flow.gap(20)
    flow.paragraph(TITLE, font="bold", size=15, align="center")
    flow.paragraph(SUBTITLE, size=9.5, align="center")
    flow.gap(14)
    here = dt.datetime.fromisoformat(record.taken_at).astimezone(zoneinfo.ZoneInfo(record.timezone))
    flow.paragraph(
        f"Hồi {here:%H} giờ {here:%M} phút, ngày {here:%d} tháng {here:%m} năm {here:%Y}, tại {record.place.strip()}, "
        f"dữ liệu kê dưới đây đã được trích xuất từ hệ thống của {record.site_name}."
    )


def _facts(flow: Flow, record: Record) -> None:
    zone = record.timezone
    taken = f"{local(record.taken_at, zone)} ({offset(record.taken_at, zone)}; giờ UTC: {record.taken_at})"
    clock = (
        "Được tin cậy khi trích xuất" if record.clock_trusted
        else "CHƯA được tin cậy khi trích xuất: các mốc thời gian có thể sai"
    )  # fmt: skip
    person = f"{record.person_name} (tài khoản: {record.person})"
    _section(flow, "1. Việc trích xuất")
    for label, value in (
        ("Mã gói dữ liệu", record.evidence_id), ("Cổng", f"{record.site_name} (mã: {record.site_id})"),
        ("Nơi trích xuất", record.place), ("Thời điểm", taken), ("Đồng hồ của cổng", clock),
        ("Người trích xuất", person), ("Thiết bị của người đó", record.device or "(không đặt tên)"),
        ("Lý do", record.reason), ("Phạm vi", _span(record)), ("Phần mềm", f"antt-gate {record.version}"),
    ):  # fmt: skip
        _labelled(flow, label, value)


def _span(record: Record) -> str:
    zone, events = record.timezone, f"{counted(len(record.event_ids))} sự kiện"
    match record.since, record.until:
        case None, None:
            return f"{events} được chọn"
        case since, None:
            return f"Từ {local(str(since), zone)}, gồm {events}"
        case None, until:
            return f"Đến {local(str(until), zone)}, gồm {events}"
        case since, until:
            return f"Từ {local(str(since), zone)} đến {local(str(until), zone)}, gồm {events}"


def _events(flow: Flow, record: Record) -> None:
    _section(flow, f"2. Các sự kiện ({counted(len(record.event_ids))})")
    if not record.event_ids:
        flow.paragraph("Không có sự kiện nào trong phạm vi này.")
    half = (RIGHT - LEFT) / 2
    for at in range(0, len(record.event_ids), 2):
        pair = record.event_ids[at : at + 2]
        lines = [Line(text=event_id, size=SMALL) for event_id in pair]
        flow.row(*(Cell(x=LEFT + half * side, lines=[line]) for side, line in enumerate(lines)), below=0)


def _files(flow: Flow, record: Record) -> None:
    there = [file for file in record.files if not file.missing]
    total, gone = sum(file.bytes for file in there), len(record.files) - len(there)
    _section(flow, f"3. Danh mục tệp ({counted(len(there))} tệp, {counted(total)} byte)")
    if gone:
        flow.paragraph(f"{counted(gone)} tệp được chọn mà KHÔNG có trong gói; lý do ghi rõ dưới đây.", font="bold")
    if altered := sum(file.altered for file in there):
        flow.paragraph(f"{counted(altered)} tệp KHÁC với những gì nhật ký đã ghi; ghi rõ dưới đây.", font="bold")
    flow.gap(5)
    flow.room(60)  # the head never stands alone at the foot of a page
    _head_of_files(flow)
    flow.head = lambda: _head_of_files(flow)
    for number, file in enumerate(record.files, 1):
        _file(flow, number, file, record.timezone)
    flow.head = None
    flow.gap(2)
    flow.paragraph(
        "Trong gói còn có biên bản này (record.pdf), check.txt (cách kiểm tra), gate-key.pem (khóa công khai), "
        "manifest.json (SHA-256 của mọi tệp, kể cả biên bản này) và manifest.sig (chữ ký số).", size=8.5,
    )  # fmt: skip


def _head_of_files(flow: Flow) -> None:
    flow.rule()
    words: tuple[tuple[float, str, Align], ...] = (
        (NUMBER, "STT", "left"), (NAME, "Tệp và SHA-256", "left"), (BEGUN, "Bắt đầu lúc", "left"),
        (BYTES, "Số byte", "right"),
    )  # fmt: skip
    flow.row(*(Cell(x=x, lines=[Line(text=text, font="bold", size=SMALL)], align=align) for x, text, align in words))
    flow.rule()
    flow.gap(2)


def _file(flow: Flow, number: int, file: RecordedFile, timezone: str) -> None:
    lines = flow.lines(file.name, BEGUN - NAME - 8, size=8.0)
    if file.missing:
        gone = f"{KINDS[file.what]} KHÔNG có trong gói: {REASONS[file.why]}"
        lines.append(Line(text=gone, font="bold", size=SMALL))
    if file.altered:
        lines.append(Line(text="KHÁC với tệp đã lưu: nhật ký ghi một mã SHA-256 khác", font="bold", size=SMALL))
    if file.sha256:
        label = "SHA-256 theo nhật ký: " if file.missing else ""
        lines += flow.lines(label + grouped(file.sha256), RIGHT - NAME, size=SMALL)
    if file.altered:
        lines += flow.lines(f"SHA-256 theo nhật ký: {grouped(file.journal_sha256)}", RIGHT - NAME, size=SMALL)
    begun = local(file.begun_at, timezone) if file.begun_at else DASH
    size = DASH if file.missing else counted(file.bytes)
    flow.row(
        Cell(x=NUMBER, lines=[Line(text=str(number), size=8.0)]), Cell(x=NAME, lines=lines),
        Cell(x=BEGUN, lines=[Line(text=begun, size=8.0)]),
        Cell(x=BYTES, lines=[Line(text=size, size=8.0)], align="right"),
    )  # fmt: skip
    flow.rule()


def _chain(flow: Flow, record: Record) -> None:
    chain = record.chain
    _section(flow, "4. Nhật ký của cổng")
    if chain.rows == 0:
        flow.paragraph("Không có dòng nhật ký nào trong phạm vi này.")
        return
    _labelled(flow, "Số dòng", f"{counted(chain.rows)}, từ dòng {chain.first_seq} đến dòng {chain.last_seq}, liên tục")
    _labelled(flow, "Mã băm trước dòng đầu", grouped(chain.prev))
    _labelled(flow, "Mã băm dòng cuối", grouped(chain.last_hash))
    flow.paragraph(
        "Mỗi dòng nhật ký mang mã băm SHA-256 tính từ dòng đó và mã băm của dòng trước. Thêm, bớt, sửa hoặc đổi chỗ "
        "một dòng thì chuỗi không còn khớp.", size=8.5,
    )  # fmt: skip


def _signature(flow: Flow, record: Record) -> None:
    _section(flow, "5. Chữ ký số và cách kiểm tra")
    _labelled(flow, "Vân tay khóa của cổng", record.key_fingerprint)
    flow.paragraph(
        "Gói dữ liệu được ký bằng khóa Ed25519 của cổng. Kiểm tra trên máy bất kỳ, không cần mạng: "
        "antt-gate verify TỆP.zip; tệp check.txt nêu cả cách không cần chương trình này. Vân tay mà máy báo phải trùng "
        "với vân tay trên biên bản đã ký.", size=8.5,
    )  # fmt: skip


def _signing(flow: Flow, record: Record) -> None:
    flow.gap(10)
    flow.room(SIGNING + 95)
    for label in TO_FILL:
        flow.paragraph(f"{label}:")
        flow.put(Rule(x0=FILLED_FROM, y0=flow.y - 2, x1=RIGHT, y1=flow.y - 2))
        flow.gap(5)
    flow.paragraph("Biên bản được lập thành …… bản có giá trị như nhau, kết thúc hồi …… giờ …… phút cùng ngày.")
    flow.gap(16)
    third, top = (RIGHT - LEFT) / 3, flow.y
    for place, signer in enumerate(SIGNERS):
        x0 = LEFT + third * place
        flow.y = top
        flow.paragraph(signer, font="bold", size=9.0, align="center", x0=x0, x1=x0 + third)
        flow.paragraph("(ký, ghi rõ họ tên)", size=SMALL, align="center", x0=x0, x1=x0 + third)
        flow.y = top - SIGNING + 46
        flow.paragraph(record.person_name if place == 0 else "", size=9.5, align="center", x0=x0 + 6, x1=x0 + third - 6)


def _section(flow: Flow, title: str) -> None:
    flow.gap(9)
    flow.room(48)  # a title never stands alone at the foot of a page
    flow.paragraph(title, font="bold", size=10.5)
    flow.gap(3)


def _labelled(flow: Flow, label: str, value: str) -> None:
    lines = flow.lines(value, RIGHT - LEFT - LABEL)
    flow.row(Cell(x=LEFT, lines=[Line(text=f"{label}:")]), Cell(x=LEFT + LABEL, lines=lines), below=1.0)
