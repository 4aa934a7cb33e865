-- Brings an accounts.db of version 1 to version 2. Nobody is signed out; a session's proof is as old as the session.
-- Wrong tries of version 1 were counted by the wall clock and are forgotten.

DROP INDEX session_person;
ALTER TABLE session RENAME TO session_1;
CREATE TABLE session (
    hash         TEXT PRIMARY KEY,            -- SHA-256 of the cookie
    id           TEXT NOT NULL UNIQUE,        -- what people and the journal call it
    person       TEXT NOT NULL REFERENCES person (name),
    device       TEXT NOT NULL,               -- the phone's name, as its owner gave it
    created_at   REAL NOT NULL,
    last_seen_at REAL NOT NULL,               -- to ten minutes
    proved_at    REAL NOT NULL,               -- when its person last showed a credential: proof.py
    phone        TEXT                         -- phone.hash of the browser; NULL: opened before phones were known
) STRICT;
CREATE INDEX session_person ON session (person);
INSERT INTO session (hash, id, person, device, created_at, last_seen_at, proved_at)
    SELECT hash, id, person, device, created_at, last_seen_at, created_at FROM session_1;
DROP TABLE session_1;

DROP TABLE attempt;
CREATE TABLE phone (
    hash          TEXT NOT NULL,              -- SHA-256 of the long-lived cookie; it opens nothing: phones.py
    person        TEXT NOT NULL REFERENCES person (name),
    first_seen_at REAL NOT NULL,
    last_seen_at  REAL NOT NULL,              -- the newest sign-in
    PRIMARY KEY (hash, person)                -- a shared tablet is known for several
) STRICT, WITHOUT ROWID;
CREATE INDEX phone_person ON phone (person);

CREATE TABLE attempt (                        -- one try at a password that was not right; kept for a day: attempts.py
    number INTEGER PRIMARY KEY,
    name   TEXT NOT NULL,                     -- of the bucket of the name that was tried
    phone  TEXT NOT NULL,                     -- of the known phone that tried; '': a stranger
    source TEXT NOT NULL,                     -- of the bucket of the network address
    at     REAL NOT NULL                      -- seconds of guess_time, not of the wall
) STRICT;
CREATE INDEX attempt_name ON attempt (name, at);
CREATE INDEX attempt_at ON attempt (at);

CREATE TABLE guess_time (                     -- the seconds by which tries are counted; no clock that is set moves them
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    counted_s REAL NOT NULL,
    mono_s    REAL NOT NULL                   -- CLOCK_MONOTONIC when counted_s was true
) STRICT;

CREATE TABLE passkey (
    id           TEXT PRIMARY KEY,            -- the credential's id, base64url
    person       TEXT    NOT NULL REFERENCES person (name),
    public_key   BLOB    NOT NULL,            -- COSE
    sign_count   INTEGER NOT NULL,
    name         TEXT    NOT NULL,            -- as its owner calls it
    transports   TEXT    NOT NULL,            -- separated by blanks
    created_at   REAL    NOT NULL,
    last_used_at REAL    NOT NULL
) STRICT;
CREATE INDEX passkey_person ON passkey (person);

CREATE TABLE evidence (                       -- what was taken out, or is being made
    id        TEXT PRIMARY KEY,
    person    TEXT NOT NULL,
    session   TEXT NOT NULL,
    at        REAL NOT NULL,
    reason    TEXT NOT NULL,
    place     TEXT NOT NULL,
    selection TEXT NOT NULL,                  -- JSON
    status    TEXT NOT NULL,
    manifest  TEXT                            -- NULL: not sealed
) STRICT;

PRAGMA user_version = 2;
