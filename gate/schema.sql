-- The journal: what happened at this gate, in order, for ever.
-- One writer (gate's journal thread); everybody else opens the file read-only.

PRAGMA user_version = 1;

CREATE TABLE fact (
    seq        INTEGER PRIMARY KEY,           -- 1, 2, 3 … without a gap
    id         TEXT    NOT NULL UNIQUE,       -- UUIDv7: what a receiver de-duplicates by
    at         TEXT    NOT NULL,              -- wall time, UTC, 2026-11-21T18:04:05.678Z
    at_trusted INTEGER NOT NULL,              -- 1: the clock was believed (see docs/operations.md)
    mono_ms    INTEGER NOT NULL,              -- CLOCK_MONOTONIC; comparable only within one boot_id
    boot_id    TEXT    NOT NULL,              -- the kernel's boot id
    kind       TEXT    NOT NULL,              -- gate.model.Kind
    by         TEXT    NOT NULL,              -- JSON {type, id, name}
    data       TEXT    NOT NULL,              -- JSON object, by kind
    prev       TEXT    NOT NULL,              -- hash of the row before; 64 zeros for the first
    hash       TEXT    NOT NULL               -- SHA-256(prev ‖ canonical JSON of this row without hash), hex
) STRICT;

CREATE INDEX fact_kind ON fact (kind, seq);   -- the day's events, one person's commands
CREATE INDEX fact_at   ON fact (at);          -- "since 21:00"

-- Nothing here is ever changed, not even by a mistake of ours.
CREATE TRIGGER fact_is_never_updated BEFORE UPDATE ON fact BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER fact_is_never_deleted BEFORE DELETE ON fact BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
