"""Expands rules with python-dateutil: lines of "YYYYMMDD RRULE LIMIT" in, the dates of each out."""
import datetime
import itertools
import sys

from dateutil import rrule

for line in sys.stdin:
    start, rule, limit = line.split()
    dates = rrule.rrulestr(rule, dtstart=datetime.datetime.strptime(start, "%Y%m%d"))
    print(" ".join(d.strftime("%Y%m%d") for d in itertools.islice(dates, int(limit))))
