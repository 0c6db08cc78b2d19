-- The first shape of a ledger, in the words of SQLite.
--
-- Types and queries are plain, so that other databases can hold the same
-- tables; particular to SQLite are WITHOUT ROWID, INTEGER PRIMARY KEY (an
-- identity column) and the type BLOB. Text is compared bytewise. Moments are
-- nanoseconds since 1970 in UTC, except message.date, which is seconds. Keys of
-- messages are bytes, not text: a file name need not be UTF-8.

-- +goose Up
CREATE TABLE setting (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE run (
    id        INTEGER PRIMARY KEY,
    started   BIGINT NOT NULL,
    ended     BIGINT,
    command   TEXT NOT NULL,
    host      TEXT NOT NULL,
    pid       BIGINT NOT NULL,
    exit_code BIGINT NOT NULL DEFAULT 0
);

-- One mailbox and the job of moving it. turn orders the queue: it comes from a
-- counter and never from a clock. since is when a snooze was set; a clock that
-- shows less has been turned back, and the snooze is over.
CREATE TABLE mailbox (
    id       INTEGER PRIMARY KEY,
    username TEXT NOT NULL UNIQUE,
    kind     TEXT NOT NULL,
    name     TEXT NOT NULL,
    account  TEXT NOT NULL,
    action   TEXT NOT NULL,
    state    SMALLINT NOT NULL DEFAULT 0,
    attempt  BIGINT NOT NULL DEFAULT 0,
    turn     BIGINT NOT NULL DEFAULT 0,
    since    BIGINT NOT NULL DEFAULT 0,
    until    BIGINT NOT NULL DEFAULT 0,
    error    TEXT NOT NULL DEFAULT '',
    class    TEXT NOT NULL DEFAULT 'internal'
);
CREATE INDEX mailbox_ready ON mailbox (state, turn);

CREATE TABLE folder (
    id          INTEGER PRIMARY KEY,
    mailbox     BIGINT NOT NULL REFERENCES mailbox (id),
    path        TEXT NOT NULL,
    target      TEXT NOT NULL,
    special_use TEXT NOT NULL,
    census      TEXT NOT NULL DEFAULT '',
    complete    SMALLINT NOT NULL DEFAULT 0,
    found       BIGINT NOT NULL DEFAULT 0,
    bytes       BIGINT NOT NULL DEFAULT 0,
    error       TEXT NOT NULL DEFAULT '',
    class       TEXT NOT NULL DEFAULT 'internal',
    UNIQUE (mailbox, path)
);

-- Sets of keywords, as a JSON array, each kept once.
CREATE TABLE keyword_set (
    id    INTEGER PRIMARY KEY,
    words TEXT NOT NULL UNIQUE
);

-- One row per message with an outcome. There is no other index over these rows:
-- they are what a ledger's size is made of.
CREATE TABLE message (
    folder      BIGINT NOT NULL,
    key         BLOB NOT NULL,
    state       SMALLINT NOT NULL,
    size        BIGINT NOT NULL,
    date        BIGINT,
    flags       SMALLINT NOT NULL,
    keywords    BIGINT,
    digest      BLOB,
    target      BLOB,
    fingerprint BLOB,
    PRIMARY KEY (folder, key)
) WITHOUT ROWID;

-- Why a message is not verified.
CREATE TABLE exception (
    folder BIGINT NOT NULL,
    key    BLOB NOT NULL,
    rule   TEXT NOT NULL,
    reason TEXT NOT NULL,
    class  TEXT NOT NULL,
    PRIMARY KEY (folder, key)
) WITHOUT ROWID;

CREATE TABLE note_kind (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

CREATE TABLE note (
    folder BIGINT NOT NULL,
    key    BLOB NOT NULL,
    ord    BIGINT NOT NULL,
    kind   BIGINT NOT NULL,
    text   TEXT NOT NULL,
    PRIMARY KEY (folder, key, ord)
) WITHOUT ROWID;

-- What was about to be appended. keys holds all keys of a batch in one value.
CREATE TABLE intent (
    folder   BIGINT NOT NULL,
    seq      BIGINT NOT NULL,
    position TEXT NOT NULL,
    keys     BLOB NOT NULL,
    PRIMARY KEY (folder, seq)
) WITHOUT ROWID;

CREATE TABLE event (
    id       INTEGER PRIMARY KEY,
    run      BIGINT NOT NULL,
    time     BIGINT,
    code     TEXT NOT NULL,
    username TEXT NOT NULL,
    folder   TEXT NOT NULL,
    key      TEXT NOT NULL,
    detail   TEXT NOT NULL,
    severity TEXT NOT NULL,
    text     TEXT NOT NULL,
    remedy   TEXT NOT NULL
);
CREATE INDEX event_run ON event (run);

CREATE TABLE sample (
    id       INTEGER PRIMARY KEY,
    run      BIGINT NOT NULL,
    time     BIGINT,
    messages BIGINT NOT NULL,
    bytes    BIGINT NOT NULL
);
CREATE INDEX sample_run ON sample (run);

-- What this migration made in the target.
CREATE TABLE provisioned (
    kind  TEXT NOT NULL,
    id    TEXT NOT NULL,
    state TEXT NOT NULL,
    PRIMARY KEY (kind, id)
);

CREATE TABLE document (
    name TEXT NOT NULL PRIMARY KEY,
    body BLOB NOT NULL
);
