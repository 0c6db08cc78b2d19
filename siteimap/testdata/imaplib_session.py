# Goes through the commands with Python's imaplib: HOST PORT PASSWORD.
import imaplib, random, re, sys

host, port, password = sys.argv[1], int(sys.argv[2]), sys.argv[3]
imaplib._MAXLINE = 10**8
imaplib.MapCRLF = re.compile(b"(?!x)x")  # messages are sent as they are


def ok(answer):
    assert answer[0] == "OK", answer
    return answer[1]


def no(answer, code):
    assert answer[0] == "NO" and answer[1][0].startswith(b"[" + code + b"]"), answer


def body(m, set_, item):
    data = ok(m.fetch(set_, item))
    return data[0][1]


other = imaplib.IMAP4(host, port)
ok(other.login("o*k", password))
ok(other.logout()[0:1] == ("BYE",) and ("OK", None))

m = imaplib.IMAP4(host, port)
m._encoding = "utf-8"
ok(m.login("anna", password))
ok(m.namespace())

# Odd messages come out as they went in, by every way of asking for all of it.
ok(m.select("Odd", readonly=True))
count = int(m.untagged_responses["EXISTS"][0])
assert count == 11, count
bodies = []
for n in range(1, count + 1):
    whole = body(m, str(n), "(BODY[])")
    assert body(m, str(n), "(RFC822)") == whole
    head, text = (x[1] for x in ok(m.fetch(str(n), "(BODY.PEEK[HEADER] BODY.PEEK[TEXT])"))[:2])
    assert head + text == whole, (n, head, text, whole)
    size = int(re.search(rb"RFC822.SIZE (\d+)", ok(m.fetch(str(n), "(RFC822.SIZE)"))[0])[1])
    assert size == len(whole), (size, len(whole))
    assert b'" 2-Jan-2020 03:04:05 +0530"' in ok(m.fetch(str(n), "(INTERNALDATE)"))[0]
    for offset in (0, 1, 5, size, size + 10):
        assert body(m, str(n), "(BODY.PEEK[]<%d.7>)" % offset) == whole[offset:offset + 7]
    for item in ("ENVELOPE", "BODY", "BODYSTRUCTURE", "FULL", "(BODY.PEEK[1] BODY.PEEK[1.1] BODY.PEEK[2.HEADER] BODY.PEEK[1.MIME])"):
        ok(m.fetch(str(n), item))
    bodies.append(whole)
assert b"a\x00b\xff\xfe" in bodies[3]
assert b"\\Seen" not in str(ok(m.fetch("1:*", "(FLAGS)"))).encode()  # opened for reading
no(m.store("1", "+FLAGS", "(\\Seen)"), b"READ-ONLY")
no(m.expunge(), b"READ-ONLY")
ok(m.close())

# Appending the same gives the same.
ok(m.create("Copy"))
for whole in bodies:
    ok(m.append("Copy", "(\\Flagged $Work)", '" 1-Feb-2003 04:05:06 -0800"', whole))
ok(m.select("Copy"))
for n, whole in enumerate(bodies, 1):
    assert body(m, str(n), "(BODY.PEEK[])") == whole
    flags = ok(m.fetch(str(n), "(FLAGS INTERNALDATE)"))[0]
    assert b"\\Flagged $Work" in flags and b'" 1-Feb-2003 04:05:06 -0800"' in flags, flags
assert b"\\Seen" not in ok(m.fetch("1", "(FLAGS)"))[0]
assert b"\\Seen" in ok(m.fetch("1", "(BODY[])"))[1] or b"\\Seen" in ok(m.fetch("1", "(FLAGS)"))[0]

# A large one.
big = b"Subject: large\r\n\r\n" + random.Random(1).randbytes(50_000_000)
ok(m.append("Copy", None, None, big))
assert body(m, "*", "(BODY.PEEK[])") == big
assert body(m, "*", "(BODY.PEEK[TEXT]<40000000.1000>)") == big[40000018:40001018]
assert body(m, "*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])") == b"Subject: large\r\n\r\n"
no(m.append("Nowhere", None, None, b"x"), b"TRYCREATE")

# A message with parts.
parts = (b'From: "A, B" <a@b.c>, d@e (D)\r\nTo: group: x@y, z;\r\nDate: Mon, 1 Jan 2024 10:00:00 +0100\r\nMessage-ID: <1@x>\r\n'
         b"Subject: =?utf-8?q?H=C3=A9?=\r\n =?utf-8?b?w6kx?=\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\npreamble\r\n"
         b"--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=FC=DFe\r\n"
         b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\nplain\r\n--c\r\nContent-Type: text/html\r\n\r\n<b>\r\n--c--\r\n"
         b"--b\r\nContent-Type: application/pdf; name=\"a.pdf\"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\"a.pdf\"\r\n\r\nQUJD\r\n"
         b"--b\r\nContent-Transfer-Encoding: base64\r\n\r\nw5xCRVI=\r\n--b--\r\nepilogue\r\n")
ok(m.create("Parts"))
ok(m.append("Parts", None, None, parts))
ok(m.select("Parts"))
for item, want in {"1": b"Gr=FC=DFe", "1.MIME": b"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
                   "2.HEADER": b"Subject: inner\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n", "2.1": b"plain", "2.2": b"<b>", "2.3": b"",
                   "2.TEXT": b"--c\r\n\r\nplain\r\n--c\r\nContent-Type: text/html\r\n\r\n<b>\r\n--c--", "3": b"QUJD", "4": b"w5xCRVI=", "5": b"", "1.1": b"", "0": b"",
                   "HEADER.FIELDS (TO message-id NOPE)": b"To: group: x@y, z;\r\nMessage-ID: <1@x>\r\n\r\n"}.items():
    got = body(m, "1", "(BODY.PEEK[%s])" % item)
    assert got == want, (item, got, want)
structure = ok(m.fetch("1", "(BODYSTRUCTURE)"))[0]
for want in (b'("text" "plain" ("charset" "iso-8859-1") NIL NIL "quoted-printable" 9 0 NIL NIL NIL NIL)', b'"message" "rfc822" NIL NIL NIL "7bit" 123 (NIL "inner" ',
             b'(("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0 NIL NIL NIL NIL)("text" "html" ("charset" "us-ascii") NIL NIL "7bit" 3 0 NIL NIL NIL NIL) "alternative" ("boundary" "c") NIL NIL NIL)',
             b'("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 4 NIL ("attachment" ("filename" "a.pdf")) NIL NIL)', b'"mixed" ("boundary" "b") NIL NIL NIL'):
    assert want in structure, (want, structure)
envelope = ok(m.fetch("1", "(ENVELOPE)"))[0]
for want in (b'"Mon, 1 Jan 2024 10:00:00 +0100" "=?utf-8?q?H=C3=A9?= =?utf-8?b?w6kx?="', b'(("A, B" NIL "a" "b.c")("D" NIL "d" "e"))',
             b'((NIL NIL "group" NIL)(NIL NIL "x" "y")(NIL NIL "z" "missing-host")(NIL NIL NIL NIL))', b'"<1@x>"'):
    assert want in envelope, (want, envelope)

# Searching.
ok(m.append("Parts", "(\\Seen work)", '" 5-Mar-1999 23:59:59 -1100"', b"Subject: second\r\n\r\nplain text\r\n"))
ok(m.noop())
for criteria, want in {"ALL": b"1 2", "SEEN": b"2", "UNSEEN": b"1", "KEYWORD work": b"2", "UNKEYWORD work": b"1", "SUBJECT hé": b"1", 'SUBJECT "H\u00e9\u00e91"': b"1",
                       'BODY "grüße"': b"1", "BODY über": b"1", "TEXT INNER": b"1", "FROM a@b.c": b"1", "HEADER message-id 1@x": b"1", 'HEADER Date ""': b"1",
                       "ON 5-Mar-1999": b"2", "BEFORE 5-Mar-1999": b"", "SINCE 6-Mar-1999": b"1", "SENTON 1-Jan-2024": b"1", "SENTSINCE 2-Jan-2024": b"",
                       "LARGER 100": b"1", "SMALLER 100 SINCE 1-Jan-1999": b"2", "smaller 100 LARGER 10 BEFORE 1-Jan-2030": b"2", "OR SMALLER 1 SUBJECT SMALLER": b"", "SMALLER 0": b"", "LARGER 0": b"1 2", "OR SEEN FROM a@b": b"1 2", "NOT SEEN": b"1", "1": b"1", "UID 2:*": b"2", "2:*": b"2",
                       "(SEEN KEYWORD work) NOT 1": b"2", "7": b"", "UNSEEN BODY plain": b"1", "ANSWERED": b"", "NEW": b"", "OLD": b"1 2"}.items():
    encoded = criteria if criteria.isascii() else criteria
    words = criteria.split(" ")
    if criteria.isascii():
        got = ok(m.search(None, criteria))[0]
    else:
        key, text = criteria.split(" ", 1)
        m.literal = text.strip('"').encode()
        got = ok(m.search("UTF-8", key))[0]
    assert got == want, (criteria, got, want)
m.uid("SEARCH", "RETURN (MIN MAX COUNT ALL SAVE)", "ALL")
assert m.untagged_responses["ESEARCH"][0].endswith(b"UID ALL 1:2 MIN 1 MAX 2 COUNT 2"), m.untagged_responses
assert len(ok(m.fetch("$", "(FLAGS)"))) == 2
assert m.search("KOI8-R", "ALL")[0] == "NO"

# Copying, moving, taking out, with the codes of UIDPLUS.
assert ok(m.store("1", "+FLAGS", "($Label)"))[0] == b"1 (UID 1 FLAGS ($Label))"
assert ok(m.store("1", "-FLAGS.SILENT", "$Label")) == [None]
ok(m.create("Target"))
assert re.match(rb"\[COPYUID \d+ 1:2 1:2\]", ok(m.copy("1:2", "Target"))[0])
no(m.copy("1", "Nowhere"), b"TRYCREATE")
ok(m.uid("MOVE", "1", "Target"))
assert m.response("EXPUNGE")[1] == [b"1"]
ok(m.store("1", "FLAGS", "(\\Deleted)"))
ok(m.uid("EXPUNGE", "1"))
assert ok(m.search(None, "ALL"))[0] == b"1"
assert ok(m.expunge()) == [b"1"]
assert re.search(rb"\(MESSAGES 3 UIDNEXT 4 UIDVALIDITY \d+ UNSEEN 2 SIZE \d+\)", ok(m.status("Target", "(MESSAGES UIDNEXT UIDVALIDITY UNSEEN SIZE)"))[0])

# Folders: names, roles, subscriptions.
for name in ('"A/B/C"', '"Gr&APwA3w-e"', '"percent % star *"', '"quote \\" backslash \\\\"', '"&- ampersand"'):
    ok(m.create(name))
    assert any(line.endswith(name.encode()) for line in ok(m.list())), (name, m.list())
    ok(m.select(name))
    ok(m.close())
    ok(m.delete(name))
no(m.create("Target"), b"ALREADYEXISTS")
no(m.create('""'), b"CANNOT")
ok(m._simple_command("CREATE", "Junk", "(USE (\\Junk))"))
assert b'(\\HasNoChildren \\Junk) "/" "Junk"' in ok(m.list())
ok(m.create("A/B/C"))
ok(m.append("A/B", None, None, b"in the middle"))
ok(m.rename("A", "Z"))
names = b" ".join(ok(m.list()))
assert b'"Z/B/C"' in names and b'"A"' not in names
ok(m.select("Z/B"))
assert body(m, "1", "(BODY[])") == b"in the middle"
no(m.rename("Z", "Z/inside"), b"CANNOT")
no(m.rename("Z", "Target"), b"ALREADYEXISTS")
no(m.delete("INBOX"), b"CANNOT")
no(m.delete("Nowhere"), b"NONEXISTENT")
ok(m.delete("Z/B"))
assert b'(\\Noselect \\HasChildren) "/" "Z/B"' in ok(m.list("Z/", "%"))
no(m.delete("Z/B"), b"HASCHILDREN")
ok(m.append("INBOX", None, None, b"inbox"))
ok(m.rename("INBOX", "Before"))
assert b"MESSAGES 0" in ok(m.status("INBOX", "(MESSAGES)"))[0] and b"MESSAGES 1" in ok(m.status("Before", "(MESSAGES)"))[0]
ok(m.subscribe("Z/B/C"))
assert ok(m.lsub('""', "%")) == [b'(\\HasNoChildren) "/" INBOX', b'(\\Noselect \\HasChildren) "/" "Z"']
assert b'(\\HasNoChildren) "/" "Z/B/C"' in ok(m.lsub('""', "*"))
ok(m.unsubscribe("Z/B/C"))
assert ok(m.lsub('""', "*")) == [b'(\\HasNoChildren) "/" INBOX']
ok(m._simple_command("LIST", '""', "(% Z/%)", "RETURN (SUBSCRIBED STATUS (MESSAGES UNSEEN))"))
assert b'"Before" (MESSAGES 1 UNSEEN 1)' in m.untagged_responses["STATUS"], m.untagged_responses
m.response("LIST")
ok(m._simple_command("LIST", "(SPECIAL-USE)", '""', "*"))
assert m.untagged_responses["LIST"] == [b'(\\HasNoChildren \\Junk) "/" "Junk"'], m.untagged_responses
ok(m.unselect())
m.logout()
print("everything as it should be")
