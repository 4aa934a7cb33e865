-- Brings an accounts.db of version 2 to version 3. Nobody is signed out; nobody gets notifications who did not ask.

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

PRAGMA user_version = 3;
