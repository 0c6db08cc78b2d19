"""Reads vCards and iCalendar objects with independent libraries, and tells what they say.

Usage: judge.py DIR; prints one JSON object: file name -> facts, or {"error": ...}.
"""
import json
import os
import re
import sys
import datetime

import icalendar
import vobject
from dateutil import rrule


def physical(raw):
    assert raw.endswith(b"\r\n"), "the last line has no end"
    for line in raw[:-2].split(b"\r\n"):
        assert len(line) <= 75, "a line of %d octets" % len(line)
        assert b"\r" not in line and b"\n" not in line, "a bare line end"
        line.decode("utf-8")


def card(raw):
    cards = list(vobject.readComponents(raw.decode("utf-8")))
    assert len(cards) == 1, "%d cards" % len(cards)
    facts = {}
    for line in cards[0].getChildren():
        value = line.value
        if not isinstance(value, str):
            value = str(value)
        facts.setdefault(line.name.upper(), []).append(value.strip())
    assert facts["VERSION"] == ["4.0"], facts["VERSION"]
    assert len(facts["FN"]) == 1
    return facts


def naive(t):
    if isinstance(t, datetime.datetime):
        return t.replace(tzinfo=None)
    return datetime.datetime(t.year, t.month, t.day)


def text(t):
    if isinstance(t, datetime.datetime):
        zone = ""
        if t.tzinfo is not None:
            zone = t.strftime("%z")
        return t.strftime("%Y%m%dT%H%M%S") + zone
    return t.strftime("%Y%m%d")


def calendar(raw):
    # icalendar 4.0 cannot read a zone whose rule ends, though RFC 5545 3.8.5.3
    # wants it as it is; dateutil's own reader, which vobject uses, can.
    list(vobject.readComponents(raw.decode("utf-8")))
    raw = re.sub(rb"(?m)^(RRULE:FREQ=YEARLY;BYDAY=-?\d..;BYMONTH=\d+;UNTIL=\d{8}T\d{6})Z\r$", rb"\1\r", raw)
    top = icalendar.Calendar.from_ical(raw)
    assert str(top["VERSION"]) == "2.0"
    facts = {"components": []}
    for part in top.subcomponents:
        if part.name == "VTIMEZONE":
            continue
        assert not part.errors, part.errors
        one = {"name": part.name, "uid": str(part["UID"]), "summary": str(part.get("SUMMARY", "")),
               "location": str(part.get("LOCATION", "")), "description": str(part.get("DESCRIPTION", ""))}
        for name in ("DTSTART", "DTEND", "DUE", "RECURRENCE-ID"):
            if name in part:
                one[name.lower()] = text(part.decoded(name))
        if "EXDATE" in part:
            list_ = part["EXDATE"]
            if not isinstance(list_, list):
                list_ = [list_]
            one["exdate"] = sorted(text(d.dt) for dates in list_ for d in dates.dts)
        if "RRULE" in part:
            rule = part["RRULE"].to_ical().decode()
            one["rrule"] = rule
            start = naive(part.decoded("DTSTART"))
            # UNTIL is in UTC where the start has a zone: compared by days here.
            words = [w for w in rule.split(";") if not w.startswith("UNTIL=")]
            until = [w[6:14] for w in rule.split(";") if w.startswith("UNTIL=")]
            dates = []
            for n, day in enumerate(rrule.rrulestr(";".join(words), dtstart=start)):
                if n >= 60 or until and day.strftime("%Y%m%d") > until[0]:
                    break
                dates.append(day.strftime("%Y%m%d"))
            one["dates"] = dates
        facts["components"].append(one)
    return facts


def main():
    out = {}
    for name in sorted(os.listdir(sys.argv[1])):
        with open(os.path.join(sys.argv[1], name), "rb") as f:
            raw = f.read()
        try:
            physical(raw)
            out[name] = card(raw) if name.endswith(".vcf") else calendar(raw)
        except Exception as e:  # whatever it is, the file is at fault
            out[name] = {"error": "%s: %s" % (type(e).__name__, e)}
    json.dump(out, sys.stdout)


main()
