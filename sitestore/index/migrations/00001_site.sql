-- +goose Up
-- The one row that says whose site this is.
CREATE TABLE site (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    organization   TEXT    NOT NULL,
    site           TEXT    NOT NULL,
    server         TEXT    NOT NULL,
    creator        TEXT    NOT NULL,
    behaviour      TEXT    NOT NULL DEFAULT '',
    created        INTEGER NOT NULL, -- seconds since 1970
    next_validity  INTEGER NOT NULL  -- UIDVALIDITY of the next folder
) STRICT;

-- Containers below the site that hold recipients.
CREATE TABLE container (
    name TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- Permission entries; an object without any inherits only.
CREATE TABLE permission (
    object    TEXT    NOT NULL, -- distinguished name
    principal TEXT    NOT NULL COLLATE NOCASE,
    role      TEXT    NOT NULL,
    rights    INTEGER NOT NULL,
    PRIMARY KEY (object, principal, role)
) STRICT, WITHOUT ROWID;

-- Who may make folders at the top of the public folders.
CREATE TABLE top_level (
    principal TEXT PRIMARY KEY COLLATE NOCASE
) STRICT, WITHOUT ROWID;

-- Mailboxes, custom recipients (contacts) and distribution lists.
CREATE TABLE recipient (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL UNIQUE,
    class      TEXT    NOT NULL CHECK (class IN ('mailbox', 'contact', 'list')),
    kind       TEXT    NOT NULL, -- of a mailbox: '' for a person's, 'public'
    container  TEXT    NOT NULL,
    display    TEXT    NOT NULL,
    first      TEXT    NOT NULL,
    last       TEXT    NOT NULL,
    attributes TEXT    NOT NULL  -- JSON object of strings
) STRICT;

CREATE TABLE address (
    key       TEXT    PRIMARY KEY, -- for comparing; unique over the site
    recipient INTEGER NOT NULL,
    place     INTEGER NOT NULL,    -- 0: primary
    type      TEXT    NOT NULL,
    value     TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX address_of ON address (recipient, place);

CREATE TABLE member (
    list   INTEGER NOT NULL,
    place  INTEGER NOT NULL,
    member TEXT    NOT NULL,
    PRIMARY KEY (list, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE folder (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    recipient   INTEGER NOT NULL,
    path        BLOB    NOT NULL,
    special     TEXT    NOT NULL,
    subscribed  INTEGER NOT NULL,
    container   INTEGER NOT NULL,
    uidvalidity INTEGER NOT NULL,
    uidnext     INTEGER NOT NULL,
    modseq      INTEGER NOT NULL, -- HIGHESTMODSEQ
    messages    INTEGER NOT NULL,
    bytes       INTEGER NOT NULL,
    UNIQUE (recipient, path)
) STRICT;

CREATE TABLE keyword_set (
    id    INTEGER PRIMARY KEY,
    words BLOB NOT NULL UNIQUE -- joined by NUL
) STRICT;

CREATE TABLE message (
    folder   INTEGER NOT NULL,
    uid      INTEGER NOT NULL,
    digest   BLOB    NOT NULL,
    size     INTEGER NOT NULL,
    flags    INTEGER NOT NULL,
    keywords INTEGER NOT NULL, -- keyword_set.id; 0: none
    date     INTEGER,          -- seconds since 1970; NULL: not known
    zone     INTEGER NOT NULL, -- minutes east of UTC
    modseq   INTEGER NOT NULL,
    PRIMARY KEY (folder, uid)
) STRICT, WITHOUT ROWID;

CREATE TABLE segment (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    committed INTEGER NOT NULL -- end of the last body that is in the index
) STRICT;

CREATE TABLE blob (
    digest   BLOB    PRIMARY KEY, -- SHA-256 of the body
    segment  INTEGER NOT NULL,
    place    INTEGER NOT NULL,
    stored   INTEGER NOT NULL,
    size     INTEGER NOT NULL,
    encoding INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Mailboxes that are open for writing, kept only while the site behaves as
-- KB Q255888 tells.
CREATE TABLE open_mailbox (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    holder   TEXT NOT NULL,
    operator TEXT NOT NULL COLLATE NOCASE,
    account  TEXT NOT NULL
) STRICT;

PRAGMA application_id = 1463964500;

-- +goose Down
DROP TABLE open_mailbox;
DROP TABLE blob;
DROP TABLE segment;
DROP TABLE message;
DROP TABLE keyword_set;
DROP TABLE folder;
DROP TABLE member;
DROP TABLE address;
DROP TABLE recipient;
DROP TABLE top_level;
DROP TABLE permission;
DROP TABLE container;
DROP TABLE site;
