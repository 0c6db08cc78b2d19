"""How the judge reads and fills mail systems: with Python's imaplib and mailbox
modules only. It shares no code with the program that it judges."""

import base64
import calendar
import imaplib
import mailbox
import os
import re
import socket
import urllib.parse

imaplib._MAXLINE = 100_000_000  # a line with ten thousand UIDs is no attack here

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def decode_name(name):
    """A folder's name from modified UTF-7 (RFC 3501 5.1.3)."""
    def piece(m):
        if m.group(1) == "":
            return "&"
        text = m.group(1).replace(",", "/")
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode("utf-16-be", "surrogatepass")
    return re.sub(r"&([^-]*)-", piece, name)


def encode_name(name):
    """A folder's name in modified UTF-7."""
    def piece(m):
        if m.group(0) == "&":
            return "&-"
        text = base64.b64encode(m.group(0).encode("utf-16-be", "surrogatepass")).decode().rstrip("=")
        return "&" + text.replace("/", ",") + "-"
    return re.sub(r"&|[^\x20-\x7e]+", piece, name)


def quoted(name):
    """A folder's name as a quoted string, in bytes."""
    return b'"' + name.replace("\\", "\\\\").replace('"', '\\"').encode("utf-8") + b'"'


class Message:
    """What is compared of a message; key is its UID or file name."""
    __slots__ = ("folder", "key", "content", "flags", "date", "zone")

    def __init__(self, folder, key, content, flags, date, zone):
        self.folder, self.key, self.content = folder, key, content
        self.flags = frozenset(f.lower() for f in flags if f.lower() != "\\recent")
        self.date, self.zone = date, zone


def connect(url, password):
    """Logs on to imap://USER@HOST:PORT or imap://USER*ADMIN@HOST:PORT; the latter
    is SASL PLAIN with an authorisation identity."""
    u = urllib.parse.urlsplit(url)
    user = urllib.parse.unquote(u.username or "")
    kind = imaplib.IMAP4_SSL if u.scheme == "imaps" else imaplib.IMAP4
    c = kind(u.hostname, u.port or (993 if u.scheme == "imaps" else 143))
    # A literal is sent in pieces, and each must not wait for the one before it.
    c.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    identity, _, admin = user.partition("*")
    if not admin:
        identity, admin = "", user
    if "AUTH=PLAIN" in c.capabilities:
        c.authenticate("PLAIN", lambda _: f"{identity}\0{admin}\0{password}".encode())
    else:
        c.login(user, password)
    return c


def listing(c):
    """All folders as (raw name, path as a tuple, attributes)."""
    typ, answer = c.namespace()
    prefix = ""
    if typ == "OK" and answer and answer[0]:
        m = re.match(rb'\(\("((?:[^"\\]|\\.)*)"', answer[0])
        if m:
            prefix = re.sub(r"\\(.)", r"\1", m.group(1).decode())
    typ, lines = c.list('""', "*")
    if typ != "OK":
        raise RuntimeError(f"LIST: {lines}")
    for line in lines:
        if line is None or line == b"":
            continue
        literal = None
        if isinstance(line, tuple):
            line, literal = line
        m = re.match(rb'\((.*?)\) (?:"((?:[^"\\]|\\.))"|NIL) ?(.*)$', line, re.S)
        if not m:
            if line == b")":
                continue
            raise RuntimeError(f"LIST: {line!r}")
        attributes = m.group(1).decode().lower().split()
        delimiter = (m.group(2) or b"").decode()[-1:]
        raw = m.group(3).strip() if literal is None else literal
        if literal is None and raw.startswith(b'"'):
            raw = re.sub(rb"\\(.)", rb"\1", raw[1:-1])
        raw = raw.decode("utf-8", "surrogateescape")
        name = raw
        if prefix and name.startswith(prefix):
            name = name[len(prefix):]
        elif prefix and name.upper() == prefix[:-1].upper():
            name = "INBOX"
        parts = name.split(delimiter) if delimiter else [name]
        parts = [decode_name(p) for p in parts]
        if parts[0].upper() == "INBOX":
            parts[0] = "INBOX"
        yield raw, tuple(parts), attributes


def parse_date(head):
    m = re.search(rb'INTERNALDATE "\s?(\d+)-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"', head)
    if not m:
        return None, None
    g = [x.decode() for x in m.groups()]
    zone = (int(g[7]) * 60 + int(g[8])) * (-1 if g[6] == "-" else 1)
    when = calendar.timegm((int(g[2]), MONTHS.index(g[1]) + 1, int(g[0]), int(g[3]), int(g[4]), int(g[5])))
    return when - zone * 60, zone


def fetch(c, uids):
    """The messages with these UIDs: (uid, head with flags and date, content)."""
    wanted = b",".join(b"%d" % u for u in uids)
    typ, answer = c.uid("FETCH", wanted, "(UID FLAGS INTERNALDATE BODY.PEEK[])")
    if typ != "OK":
        raise RuntimeError(f"FETCH: {answer}")
    records = []
    for part in answer:
        if isinstance(part, tuple):
            if records and records[-1][1] is not None and not re.match(rb"\d+ \(", part[0]):
                raise RuntimeError(f"a second literal: {part[0]!r}")
            records.append([part[0], part[1]])
        elif part is None:
            continue
        elif re.match(rb"\d+ \(", part):
            records.append([part, None])
        elif records:
            records[-1][0] += part
    for head, content in records:
        m = re.search(rb"UID (\d+)", head)
        if m is None:
            continue  # news about some other message
        if content is None:
            m2 = re.search(rb'BODY\[\] "((?:[^"\\]|\\.)*)"', head)
            if m2 is None:
                continue
            content = re.sub(rb"\\(.)", rb"\1", m2.group(1))
        yield int(m.group(1)), head, content


def read_imap(url, password):
    """Yields ("folder", path, attributes) and Message values."""
    c = connect(url, password)
    for raw, path, attributes in list(listing(c)):
        if "\\noselect" in attributes or "\\nonexistent" in attributes:
            yield "container", path, attributes
            continue
        yield "folder", path, attributes
        typ, answer = c.select(quoted(raw), readonly=True)
        if typ != "OK":
            raise RuntimeError(f"EXAMINE {path}: {answer}")
        total = int(answer[0])
        if total == 0:
            continue
        typ, answer = c.uid("FETCH", "1:*", "(UID RFC822.SIZE)")
        sizes = {}
        for line in answer:
            if isinstance(line, bytes):
                u, s = re.search(rb"UID (\d+)", line), re.search(rb"RFC822.SIZE (\d+)", line)
                if u and s:
                    sizes[int(u.group(1))] = int(s.group(1))
        if len(sizes) != total:
            raise RuntimeError(f"{path}: {total} messages, {len(sizes)} UIDs")
        batch, room = [], 0
        batches = []
        for uid, size in sorted(sizes.items()):
            if batch and (room + size > 16_000_000 or len(batch) == 500):
                batches.append(batch)
                batch, room = [], 0
            batch.append(uid)
            room += size
        batches.append(batch)
        for batch in batches:
            missing = set(batch)
            for uid, head, content in fetch(c, batch):
                if uid not in missing:
                    continue
                missing.discard(uid)
                flags = re.search(rb"FLAGS \((.*?)\)", head).group(1).decode().split()
                date, zone = parse_date(head)
                yield Message(path, uid, content, flags, date, zone)
            if missing:
                raise RuntimeError(f"{path}: the server did not give UIDs {sorted(missing)[:10]}")
    c.logout()


MAILDIR_FLAGS = {"D": "\\Draft", "F": "\\Flagged", "P": "$Forwarded", "R": "\\Answered", "S": "\\Seen", "T": "\\Deleted"}


def read_maildir(root):
    """The same of one user's Maildir++, with Dovecot's files for keywords."""
    names = [""] + sorted(n for n in os.listdir(root) if n.startswith(".") and os.path.isdir(os.path.join(root, n, "cur")))
    for name in names:
        at = os.path.join(root, name)
        path = tuple(decode_name(p) for p in name[1:].split(".")) if name else ("INBOX",)
        yield "folder", path, []
        keywords = {}
        try:
            with open(os.path.join(at, "dovecot-keywords"), encoding="utf-8") as f:
                for line in f:
                    number, word = line.split()
                    keywords[chr(ord("a") + int(number))] = word
        except FileNotFoundError:
            pass
        box = mailbox.Maildir(at, factory=None, create=False)
        for key in box.keys():
            where = os.path.join(at, box._lookup(key))
            info = where.rpartition(":2,")[2] if ":2," in where else ""
            flags = [MAILDIR_FLAGS.get(f) or keywords.get(f) or f for f in info]
            with open(where, "rb") as f:
                content = f.read()
            yield Message(path, key, content, flags, int(os.stat(where).st_mtime), None)


def read(location, password):
    if location.startswith("maildir:"):
        return read_maildir(location[len("maildir:"):])
    return read_imap(location, password)
