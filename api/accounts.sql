-- accounts.db: who may use this gate, on which phones, and what must be remembered between two requests.
-- Owner: the api process (its command line opens the same file). Times are wall seconds since 1970.
-- No secret stands here in the clear: passwords are argon2id, sessions and pairing codes are SHA-256 of 128 random bits
-- or more (too many to guess, so no salt is needed). The addresses of phones at push services must stand here as they
-- are; they are of use only together with push.key.
-- An older file is brought here by accounts_from_1.sql and accounts_from_2.sql; the tables are the same to the letter.

PRAGMA user_version = 3;

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
    last_seen_at REAL NOT NULL,               -- to ten minutes
    proved_at    REAL NOT NULL,               -- when its person last showed a credential: proof.py
    phone        TEXT                         -- phone.hash of the browser; NULL: opened before phones were known
) STRICT;
CREATE INDEX session_person ON session (person);

CREATE TABLE phone (
    hash          TEXT NOT NULL,              -- SHA-256 of the long-lived cookie; it opens nothing: phones.py
    person        TEXT NOT NULL REFERENCES person (name),
    first_seen_at REAL NOT NULL,
    last_seen_at  REAL NOT NULL,              -- the newest sign-in
    PRIMARY KEY (hash, person)                -- a shared tablet is known for several
) STRICT, WITHOUT ROWID;
CREATE INDEX phone_person ON phone (person);

CREATE TABLE pairing (
    person     TEXT PRIMARY KEY REFERENCES person (name),  -- a newer code replaces the older one
    hash       TEXT NOT NULL UNIQUE,                       -- SHA-256 of the code
    expires_at REAL NOT NULL
) STRICT;

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

CREATE TABLE push_phone (                     -- a signed-in browser that gets notifications; ends with its session
    session  TEXT PRIMARY KEY REFERENCES session (id) ON DELETE CASCADE,
    endpoint TEXT NOT NULL UNIQUE,            -- its address at the push service of the browser's maker: a secret
    p256dh   TEXT NOT NULL,                   -- its public key, base64url (RFC 8291)
    auth     TEXT NOT NULL,                   -- and what it shares with us alone
    language TEXT NOT NULL,                   -- of the words: vi, en
    since_at REAL NOT NULL,
    told_at  REAL,                            -- when the push service last took a message; NULL: never yet
    trouble  TEXT,                            -- why the last one was not taken; NULL: it was
    tests    TEXT NOT NULL                    -- the week of the last weekly test, 2026-W47
) STRICT;

CREATE TABLE push_choice (                    -- what a person wants to hear of, on all their phones: push_rules.py
    person        TEXT PRIMARY KEY REFERENCES person (name) ON DELETE CASCADE,
    least         TEXT    NOT NULL,
    start         TEXT,                       -- HH:MM at the site; NULL: at any hour
    end           TEXT,
    urgent_always INTEGER NOT NULL
) STRICT;

CREATE TABLE push_waiting (                   -- a message that no push service took yet: push_queue.py
    session    TEXT NOT NULL REFERENCES push_phone (session) ON DELETE CASCADE,
    subject    TEXT NOT NULL,
    level      TEXT NOT NULL,
    words      TEXT NOT NULL,                 -- JSON, as the phone gets it
    expires_at REAL NOT NULL,
    PRIMARY KEY (session, subject)
) STRICT, WITHOUT ROWID;

-- 'push_upto' is noted too: the last fact that phones were told of.
CREATE TABLE note (
    name  TEXT PRIMARY KEY,                   -- 'base_url': where the page was last served
    value TEXT NOT NULL
) STRICT;
