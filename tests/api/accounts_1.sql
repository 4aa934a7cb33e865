-- accounts.db: who may use this gate, on which phones, and what must be remembered between two requests.
-- Owner: the api process (its command line opens the same file). Times are wall seconds since 1970.
-- No secret stands here in the clear: passwords are argon2id, sessions and pairing codes are SHA-256 of 128 random bits
-- or more (too many to guess, so no salt is needed).

PRAGMA user_version = 1;

CREATE TABLE person (
    name         TEXT PRIMARY KEY,            -- what one signs in with; in the journal as by.id, so it never changes
    display_name TEXT    NOT NULL,            -- what people read
    roles        TEXT    NOT NULL,            -- gate.model.Role, separated by blanks, sorted
    password     TEXT,                        -- argon2id; NULL: signs in by pairing link only
    disabled     INTEGER NOT NULL DEFAULT 0,  -- 1: can't sign in; nobody is ever deleted, the journal names them
    created_at   REAL    NOT NULL
) STRICT;

CREATE TABLE session (
    hash         TEXT PRIMARY KEY,            -- SHA-256 of the cookie
    id           TEXT NOT NULL UNIQUE,        -- what people and the journal call it
    person       TEXT NOT NULL REFERENCES person (name),
    device       TEXT NOT NULL,               -- the phone's name, as its owner gave it
    created_at   REAL NOT NULL,
    last_seen_at REAL NOT NULL                -- to ten minutes
) STRICT;
CREATE INDEX session_person ON session (person);

CREATE TABLE pairing (
    person     TEXT PRIMARY KEY REFERENCES person (name),  -- a newer code replaces the older one
    hash       TEXT NOT NULL UNIQUE,                       -- SHA-256 of the code
    expires_at REAL NOT NULL
) STRICT;

CREATE TABLE attempt (
    bucket         TEXT PRIMARY KEY,          -- of a name; see attempts.py
    failures       INTEGER NOT NULL,          -- in a row
    last_failed_at REAL    NOT NULL
) STRICT;

CREATE TABLE answer (
    person     TEXT NOT NULL,
    key        TEXT NOT NULL,                 -- Idempotency-Key
    body_hash  TEXT NOT NULL,                 -- SHA-256 of the command as it was understood
    command_id TEXT NOT NULL,                 -- under which the gate was asked, or will be asked again
    status     INTEGER,                       -- NULL: the gate's answer never came
    body       TEXT,                          -- the answer, JSON
    at         REAL NOT NULL,
    PRIMARY KEY (person, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX answer_at ON answer (at);

CREATE TABLE report (
    number INTEGER PRIMARY KEY,               -- in order
    kind   TEXT NOT NULL,                     -- gate.model.Kind
    data   TEXT NOT NULL,                     -- JSON
    by     TEXT NOT NULL                      -- JSON {type, id, name}; 'null': this process
) STRICT;

CREATE TABLE note (
    name  TEXT PRIMARY KEY,                   -- 'base_url': where the page was last served
    value TEXT NOT NULL
) STRICT;
