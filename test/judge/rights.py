#!/usr/bin/env python3
"""Says what users find on an IMAP server: every folder with its attributes, its
access control list, how much is in it and the next UID, and Cyrus' sharedseen.
Two listings are equal when nothing was changed between them.

    JUDGE_PASSWORD=... rights.py --users anna,bert imap://{user}@127.0.0.1:143
"""

import argparse
import os
import urllib.parse

import systems

SHARED = "/shared/vendor/cmu/cyrus-imapd/sharedseen"


def say(answer):
    """What the server answered to one question, in one line of text."""
    typ, data = answer
    parts = []
    for part in data or []:
        for piece in part if isinstance(part, tuple) else (part,):
            if piece:
                parts.append(piece.decode("utf-8", "replace").strip())
    return f"{typ} {' '.join(parts)}"


def describe(url, password, user):
    c = systems.connect(url, password)
    for raw, path, attributes in sorted(systems.listing(c)):
        shown = [a for a in attributes if a not in ("\\haschildren", "\\hasnochildren", "\\marked", "\\unmarked")]
        line = [f"{user} {'/'.join(path)}", " ".join(sorted(shown))]
        name = systems.quoted(raw)
        if "ACL" in c.capabilities:
            line.append(say(c.getacl(name)))
        if "METADATA" in c.capabilities:
            typ, _ = c.xatom("GETMETADATA", name, f"({SHARED})")
            line.append(say((typ, c.response("METADATA")[1])))
        line.append(say(c.status(name, "(MESSAGES UIDNEXT UIDVALIDITY)")))
        print(" | ".join(line))
    c.logout()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--users", default="")
    p.add_argument("location")
    a = p.parse_args()
    for user in a.users.split(",") if a.users else [""]:
        describe(a.location.replace("{user}", urllib.parse.quote(user, safe="")), os.environ["JUDGE_PASSWORD"], user)


main()
