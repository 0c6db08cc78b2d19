#!/usr/bin/env python3
"""Compares two mail systems message by message, without any code of the program
that moved the mail: multisets of folder, content (SHA-256), flags, keywords and
date of arrival. Differences are printed; exit code 0: equal, 1: not, 2: could
not be read.

  compare.py [options] A B

A and B are imap://USER@HOST:PORT, imaps://..., imap://USER*ADMIN@HOST:PORT (SASL
PLAIN as ADMIN for USER) or maildir:DIR (one user's Maildir++). The passwords are
taken from the environment: JUDGE_PASSWORD_A, JUDGE_PASSWORD_B. With --users,
{user} in A and B stands for each of the names.
"""

import argparse
import collections
import concurrent.futures
import hashlib
import json
import os
import re
import sys

import systems


def normal(content, o):
    """What a server is known to change on its own is made the same."""
    if o.dovecot:
        content = re.sub(rb"\r+\n", b"\r\n", content.replace(b"\0", b"\x80")).rstrip(b"\r")
    if o.crlf or o.dovecot:
        content = re.sub(rb"\r?\n", b"\r\n", content)
    if o.cyrus:
        head, empty, body = content.partition(b"\r\n\r\n")
        content = re.sub(rb"[\x80-\xff]", b"X", head) + empty + body
    return content


def snapshot(location, password, o, rename):
    """Folders, containers and messages as plain values."""
    folders, containers, messages = [], [], []
    for item in systems.read(location, password):
        if isinstance(item, tuple):
            (containers if item[0] == "container" else folders).append("/".join(rename(item[1])))
            continue
        content = normal(item.content, o)
        messages.append((
            "/".join(rename(item.folder)), hashlib.sha256(content).hexdigest(), " ".join(sorted(item.flags - o.ignored)),
            None if o.no_date else item.date, item.zone if o.zone else None, str(item.key), len(content)))
    return sorted(folders), sorted(containers), messages


def differences(a, b, o):
    """Yields (kind, text)."""
    (folders_a, containers_a, messages_a), (folders_b, containers_b, messages_b) = a, b
    for f in folders_a:
        if f not in folders_b:
            yield "folder missing", f
    for f in folders_b:
        # A container may have become a folder; only --containers minds.
        if f not in folders_a and (o.containers or f not in containers_a) and f not in o.may_be_added:
            yield "folder added", f
    if o.containers:
        for f in containers_a:
            if f not in containers_b and f not in folders_b:
                yield "container missing", f
    left, right = collections.defaultdict(list), collections.defaultdict(list)
    for m in messages_a:
        left[m[:5]].append(m)
    for m in messages_b:
        if left.get(m[:5]):
            left[m[:5]].pop()
        else:
            right[m[:2]].append(m)
    rest = []
    for group in left.values():
        for m in group:
            other = right[m[:2]].pop() if right.get(m[:2]) else None
            if other is None:
                rest.append(m)
                continue
            if m[2] != other[2]:
                yield "flags", f"{m[0]} {m[5]} -> {other[5]}: ({m[2]}) became ({other[2]})"
            if m[3] != other[3]:
                yield "date", f"{m[0]} {m[5]} -> {other[5]}: {m[3]} became {other[3]}"
            if m[4] != other[4]:
                yield "zone", f"{m[0]} {m[5]} -> {other[5]}: {m[4]} became {other[4]} minutes"
    extra = collections.Counter()
    elsewhere = collections.defaultdict(list)
    for group in right.values():
        for m in group:
            extra[m[0]] += 1
            elsewhere[m[1]].append(m)
    for m in rest:
        also = elsewhere.get(m[1])
        yield "message missing", f"{m[0]} {m[5]}: {m[6]} bytes, sha256 {m[1][:16]}" + (f"; there is one in {also[0][0]}" if also else "")
    for group in right.values():
        for m in group:
            yield "message added", f"{m[0]} {m[5]}: {m[6]} bytes, sha256 {m[1][:16]}"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("a")
    p.add_argument("b")
    p.add_argument("--users", help="names, joined by commas; NAME=OTHER where B has another name")
    p.add_argument("--crlf", action="store_true", help="line ends do not matter")
    p.add_argument("--cyrus", action="store_true", help="raw 8-bit bytes in headers may have become X")
    p.add_argument("--dovecot", action="store_true", help="NUL may have become 0x80, a bare LF CRLF, several CR before LF one; CR at the end may be gone")
    p.add_argument("--zone", action="store_true", help="the zone of the date counts too")
    p.add_argument("--no-date", action="store_true", help="the date does not count")
    p.add_argument("--ignore-flags", default="", help="flags and keywords that do not count, joined by commas")
    p.add_argument("--containers", action="store_true", help="folders that hold folders only count too")
    p.add_argument("--may-be-added", default="", help="folders that B may have beyond those of A, joined by commas")
    p.add_argument("--rename", action="append", default=[], metavar="A=B", help="a folder of A and what it is called in B")
    p.add_argument("--json", action="store_true", help="print one JSON object with counts")
    p.add_argument("--show", type=int, default=10, help="how many differences of a kind to print")
    o = p.parse_args()
    o.ignored = frozenset(f.lower() for f in o.ignore_flags.split(",") if f)
    o.may_be_added = frozenset(f for f in o.may_be_added.split(",") if f)
    renamed = {tuple(a.split("/")): tuple(b.split("/")) for a, _, b in (r.partition("=") for r in o.rename)}

    def rename_a(path):
        for n in range(len(path), 0, -1):
            if path[:n] in renamed:
                return renamed[path[:n]] + path[n:]
        return path

    counts, total, examples = collections.Counter(), 0, collections.defaultdict(list)
    for user in (o.users.split(",") if o.users else [""]):
        name_a, _, name_b = user.partition("=")
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            sides = [
                pool.submit(snapshot, o.a.replace("{user}", name_a), os.environ.get("JUDGE_PASSWORD_A", ""), o, rename_a),
                pool.submit(snapshot, o.b.replace("{user}", name_b or name_a), os.environ.get("JUDGE_PASSWORD_B", ""), o, lambda p: p)]
            a, b = (s.result() for s in sides)
        total += len(a[2])
        counts["messages in a"] += len(a[2])
        counts["messages in b"] += len(b[2])
        counts["folders in a"] += len(a[0])
        counts["folders in b"] += len(b[0])
        for kind, text in differences(a, b, o):
            counts["different: " + kind] += 1
            examples[kind].append((user + ": " if user else "") + text)
    different = sum(len(e) for e in examples.values())
    if o.json:
        print(json.dumps({"counts": counts, "differences": different, "examples": {k: v[:o.show] for k, v in examples.items()}}))
    else:
        for kind, texts in sorted(examples.items()):
            print(f"{kind}: {len(texts)}")
            for text in texts[:o.show]:
                print("  " + text)
            if len(texts) > o.show:
                print("  ...")
        print(f"{counts['messages in a']} messages in {counts['folders in a']} folders, {counts['messages in b']} in {counts['folders in b']}: " +
              ("equal" if different == 0 else f"{different} differences"))
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    try:
        main()
    except (OSError, RuntimeError, systems.imaplib.IMAP4.error) as e:
        print(f"compare: {e}", file=sys.stderr)
        sys.exit(2)
