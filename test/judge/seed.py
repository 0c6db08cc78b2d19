#!/usr/bin/env python3
"""Fills mailboxes with generated mail, the same for the same --seed: folders with
umlauts, Cyrillic and Japanese, quotes and backslashes, empty ones and such that
hold folders only; flags and keywords; dates over ten years and many zones; true
duplicates; messages without a Message-ID; a few of 5 to 10 MB.

  seed.py [options] imap://USER@HOST:PORT     (password: JUDGE_PASSWORD)
  seed.py [options] maildir:DIR               (one user's Maildir++, much faster)

With --users, {user} stands for each name, and each gets mail of its own. Folders
that a server refuses are left out, and what belongs there goes to INBOX. The
last line of the output is JSON with what was made.
"""

import argparse
import base64
import calendar
import email.utils
import json
import os
import random
import sys
import time

import systems

FOLDERS = [
    ("INBOX",), ("Sent",), ("Drafts",), ("Trash",), ("Junk",),
    ("Archive", "2016"), ("Archive", "2018"), ("Archive", "2020"), ("Archive", "2022"), ("Archive", "2022", "Spring"),
    ("Entwürfe alt",), ("Gesendete Objekte",), ("Größe & Maß",), ("Éléments envoyés",),
    ("Работа", "Отчёты"), ("Работа", "Письма"), ("日本語",), ("日本語", "東京"), ("中文",),
    ("Projects", "Alpha"), ("Projects", "Beta"), ("a & b",), ("Plus+minus-",), ('Say "hello"',), ("back\\slash",),
    ("Empty one",), ("Empty two", "Inner"), ("with  two spaces",),
]
EMPTY = {("Empty one",), ("Empty two", "Inner")}
SYSTEM = ["\\Seen", "\\Answered", "\\Flagged", "\\Draft", "\\Deleted"]
KEYWORDS = ["$Forwarded", "$Label1", "$MDNSent", "Junk", "NonJunk", "Projekt-X"]
ZONES = [-720, -480, -300, -210, 0, 60, 120, 330, 345, 540, 765]

# What real mail holds and servers treat in ways of their own.
ODD = [
    b"From: 8bit@example.org\r\nSubject: Gr\xfc\xdfe aus K\xf6ln\r\n\r\nraw 8-bit header\r\n",
    b"From: utf8@example.org\r\nSubject: Gr\xc3\xbc\xc3\x9fe\r\n\r\nraw UTF-8 header\r\n",
    b"From: nul@example.org\r\nSubject: nul\r\n\r\na\0b\r\n",
    b"From: lf@example.org\r\nSubject: bare LF\r\n\r\none\ntwo\r\n",
    b"From: cr@example.org\r\nSubject: bare CR\r\n\r\none\rtwo\r\n",
    b"From: space@example.org\r\nSubject : a space before the colon\r\n\r\nx\r\n",
    b"no header at all\r\n",
    b"\r\na body only\r\n",
    b"From: end@example.org\r\nSubject: no line end\r\n\r\nthe last line",
    b"From: nobody@example.org\r\nSubject: no body\r\n",
    b"From MAILER Thu Jan  1 00:00:00 1998\r\nFrom: mbox@example.org\r\nSubject: From line\r\n\r\nFrom here\r\n>From there\r\n",
    b"From: long@example.org\r\nSubject: " + b"long " * 4000 + b"\r\n\r\nx\r\n",
]


class Made:
    __slots__ = ("folder", "content", "flags", "date", "zone")

    def __init__(self, folder, content, flags, date, zone):
        self.folder, self.content, self.flags, self.date, self.zone = folder, content, flags, date, zone


def generate(o, seed):
    """Yields o.messages messages of about o.bytes bytes in all."""
    r = random.Random(seed)
    lines = base64.b64encode(r.randbytes(4 << 20))
    lines = b"\r\n".join(lines[i:i + 76] for i in range(0, len(lines), 76)) + b"\r\n"

    def body(size):
        out = []
        while size > 0:
            start = r.randrange(0, len(lines) // 78 - 1) * 78
            piece = lines[start:start + size]
            out.append(piece)
            size -= len(piece)
        return b"".join(out)

    folders = [f for f in FOLDERS[:max(1, o.folders)]]
    weights = [0 if f in EMPTY else (30 if f == ("INBOX",) else r.randint(1, 9)) for f in folders]
    big = min(o.big, o.messages)
    bigger = [r.randint(5_000_000, 10_000_000) for _ in range(big)]
    average = max(400, (o.bytes - sum(bigger)) // max(1, o.messages - big))
    large = set(r.sample(range(o.messages), big))
    recent = []
    for n in range(o.messages):
        kind = r.random()
        if recent and n not in large and kind < 0.02:
            # A true duplicate: the same bytes again, half of them in the same folder
            # with the same flags and date.
            old = r.choice(recent)
            if kind < 0.01:
                yield Made(old.folder, old.content, old.flags, old.date, old.zone)
                continue
            folder, content = r.choices(folders, weights)[0], old.content
        else:
            folder = r.choices(folders, weights)[0]
            size = bigger.pop() if n in large else int(min(r.lognormvariate(0, 1.2) * average / 2.05, 1_000_000))
            head = [
                f"From: Sender {r.randint(1, 400)} <s{r.randint(1, 400)}@example.org>",
                f"To: {o.name or 'somebody'}@example.net",
                f"Subject: =?utf-8?q?Nachricht_=C3=BCber_{n}?= {r.choice(['offer', 'minutes', 'order'])}",
                f"Date: {email.utils.formatdate(r.randint(1_420_000_000, 1_750_000_000))}",
                "MIME-Version: 1.0",
                "Content-Type: application/octet-stream",
                "Content-Transfer-Encoding: base64",
            ]
            if kind < 0.96:
                head.insert(0, f"Message-ID: <{seed}.{n}.{r.getrandbits(48):x}@example.org>")
            if kind > 0.5:
                head.insert(0, "Received: from a.example.org by b.example.net\r\n\twith ESMTP id %x" % r.getrandbits(40))
            content = "\r\n".join(head).encode() + b"\r\n\r\n"
            content += body(max(10, size - len(content)))
            if not content.endswith(b"\r\n"):
                content = content.rstrip(b"\r\n") + b"\r\n"
        flags = [f for f, p in zip(SYSTEM, (0.7, 0.2, 0.1, 0.02, 0.02)) if r.random() < p]
        flags += [k for k in KEYWORDS if r.random() < 0.06]
        zone = r.choice(ZONES)
        made = Made(folder, content, flags, r.randint(1_420_000_000, 1_750_000_000), zone)
        yield made
        if len(content) < 200_000:
            recent.append(made)
            if len(recent) > 50:
                recent.pop(0)
    for content in ODD[:o.odd]:
        yield Made(("INBOX",), content, ["\\Seen"], 1_600_000_000, 60)


def summary():
    return {"messages": 0, "bytes": 0, "folders": 0, "refused folders": [], "refused messages": []}


def fill_maildir(root, o, seed):
    made = summary()
    # Dovecot keeps every keyword in its own file, also the one with a letter "P".
    letters = {k: chr(ord("a") + i) for i, k in enumerate(KEYWORDS)}
    flag_letters = {v: k for k, v in systems.MAILDIR_FLAGS.items() if v.startswith("\\")}
    place = {}
    for folder in FOLDERS[:max(1, o.folders)]:
        at = root if folder == ("INBOX",) else os.path.join(root, "." + ".".join(systems.encode_name(p) for p in folder))
        place[folder] = at
        for sub in ("cur", "new", "tmp"):
            os.makedirs(os.path.join(at, sub), exist_ok=True)
        if at != root:
            open(os.path.join(at, "maildirfolder"), "w").close()
        with open(os.path.join(at, "dovecot-keywords"), "w", encoding="utf-8") as f:
            for k, letter in letters.items():
                f.write(f"{ord(letter) - ord('a')} {k}\n")
        made["folders"] += 1
    with open(os.path.join(root, "subscriptions"), "w", encoding="utf-8") as f:
        f.write("V\t2\n\n")
        for folder in FOLDERS[1:max(1, o.folders)]:
            f.write("\t".join(systems.encode_name(p) for p in folder) + "\n")
    for n, m in enumerate(generate(o, seed)):
        stored = m.content.replace(b"\r\n", b"\n")
        info = "".join(sorted(flag_letters.get(f) or letters[f] for f in m.flags))
        virtual = len(stored) + stored.count(b"\n")
        name = os.path.join(place[m.folder], "cur", f"{m.date}.M{n}P{seed}.seed,S={len(stored)},W={virtual}:2,{info}")
        with open(name, "wb") as f:
            f.write(stored)
        os.utime(name, (m.date, m.date))
        made["messages"] += 1
        made["bytes"] += virtual
    if o.owner:
        uid, gid = (int(x) for x in o.owner.split(":"))
        for at, _, files in os.walk(root):
            os.chown(at, uid, gid)
            for f in files:
                os.chown(os.path.join(at, f), uid, gid)
        parent = os.path.dirname(root)
        if os.stat(parent).st_uid == os.getuid():
            os.chown(parent, uid, gid)
    return made


def internal_date(date, zone):
    t = time.gmtime(date + zone * 60)
    sign = "-" if zone < 0 else "+"
    return '"%02d-%s-%d %02d:%02d:%02d %s%02d%02d"' % (
        t.tm_mday, systems.MONTHS[t.tm_mon - 1], t.tm_year, t.tm_hour, t.tm_min, t.tm_sec, sign, abs(zone) // 60, abs(zone) % 60)


def fill_imap(url, o, seed):
    made = summary()
    c = systems.connect(url, os.environ.get("JUDGE_PASSWORD", ""))
    listed = list(systems.listing(c))
    typ, answer = c.namespace()
    prefix, delimiter = "", "/"
    m = systems.re.match(rb'\(\("((?:[^"\\]|\\.)*)" "(.)"', answer[0] or b"") if typ == "OK" else None
    if m:
        prefix, delimiter = m.group(1).decode(), m.group(2).decode()
    there = {path for _, path, attributes in listed if "\\noselect" not in attributes}
    names = {}
    for folder in FOLDERS[:max(1, o.folders)]:
        name = "INBOX" if folder == ("INBOX",) else prefix + delimiter.join(systems.encode_name(p) for p in folder)
        if folder not in there and folder != ("INBOX",):
            typ, answer = c.create(systems.quoted(name))
            if typ != "OK":
                made["refused folders"].append("/".join(folder))
                continue
            c.subscribe(systems.quoted(name))
        names[folder] = name
        made["folders"] += 1
    selected = None
    for m in sorted(generate(o, seed), key=lambda m: FOLDERS.index(m.folder)):
        name = names.get(m.folder, "INBOX")
        if name != selected:
            c.select(systems.quoted(name), readonly=True)
            selected = name
        typ, answer = c.append(systems.quoted(name), "(" + " ".join(m.flags) + ")", internal_date(m.date, m.zone), m.content)
        if typ != "OK":
            made["refused messages"].append(answer[0].decode("utf-8", "replace"))
            continue
        made["messages"] += 1
        made["bytes"] += len(m.content)
    c.logout()
    return made


# imaplib makes every line end CRLF in what it appends; servers shall get what we made.
systems.imaplib.MapCRLF = systems.re.compile(rb"(?!)")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("to")
    p.add_argument("--users", help="names, joined by commas")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--messages", type=int, default=2000)
    p.add_argument("--bytes", type=int, default=51_000_000, help="of all messages together, about")
    p.add_argument("--big", type=int, default=3, help="how many of them have 5 to 10 MB")
    p.add_argument("--folders", type=int, default=len(FOLDERS), help="how many of the folders to make")
    p.add_argument("--odd", type=int, default=0, help=f"how many odd messages to add (up to {len(ODD)})")
    p.add_argument("--owner", help="UID:GID for files of a Maildir")
    o = p.parse_args()
    total = summary()
    for i, user in enumerate(o.users.split(",") if o.users else [""]):
        o.name = user
        to = o.to.replace("{user}", user)
        seed = o.seed + i
        if to.startswith("maildir:"):
            made = fill_maildir(to[len("maildir:"):], o, seed)
        else:
            made = fill_imap(to, o, seed)
        for k, v in made.items():
            total[k] += v
    print(json.dumps(total, ensure_ascii=False))


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, systems.imaplib.IMAP4.error) as e:
        print(f"seed: {e}", file=sys.stderr)
        sys.exit(2)
