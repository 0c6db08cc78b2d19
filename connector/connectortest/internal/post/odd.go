package post

import "strings"

// Odd are messages that were seen in the wild, or may be one day.
func Odd() []Letter {
	head := string(text(1, ""))
	unix := func(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }
	odd := func(name, body string) Letter { return Letter{Name: name, Body: []byte(body), Date: Born} }
	return []Letter{
		odd("empty", ""),
		odd("one-byte", "x"),
		odd("CRLF-only", "\r\n"),
		odd("LF-only", "\n"),
		odd("LF-lines", unix(head+"one\r\ntwo\r\n")),
		odd("CRLF-lines", head+"one\r\ntwo\r\n"),
		odd("CR-lines", strings.ReplaceAll(head+"one\r\ntwo\r\n", "\r\n", "\r")),
		odd("mixed-lines", head+"crlf\r\nlf\ncr\rcrcrlf\r\r\nlfcr\n\r\n"),
		odd("no-final-newline", head+"the end"),
		odd("final-CR", head+"the end\r"),
		odd("many-final-newlines", head+"the end\r\n\r\n\r\n\n\n"),
		odd("NUL", head+"before\x00after\r\n\x00"),
		odd("8-bit", head+"gr\xfc\xdfe \xc3\xa4 \xff\xfe\x80\r\n"),
		odd("control", head+"\x01\x02\x08\x0b\x0c\x1a\x1b[0m\x7f\r\n"),
		odd("long-line", head+strings.Repeat("0123456789abcdef", 1<<16)+"\r\n"),
		odd("from-lines", head+"From anna Sun Mar  9 17:04:05 2003\r\nFrom \r\n>From x\r\n>>From x\r\nFrom: y\r\n\r\nFrom b@example.org Sun Mar  9 17:04:05 2003\r\n"),
		odd("from-lines-LF", unix(head+"a\r\n\r\nFrom anna Sun Mar  9 17:04:05 2003\r\n>From x\r\n\r\nFrom b@example.org Sun Mar  9 17:04:05 2003\r\n\r\n")),
		odd("from-first", "From anna Sun Mar  9 17:04:05 2003\r\nSubject: x\r\n\r\nbody\r\n"),
		odd("no-header", "\r\njust a body\r\n"),
		odd("no-header-text", "just text, no header and no empty line"),
		odd("header-only", "Subject: header only\r\nFrom: anna@example.org\r\n"),
		odd("header-cut", "Subject: header only"),
		odd("header-and-empty-line", head),
		odd("header-8-bit", "Subject: gr\xfc\xdfe\r\nFrom: \xe4@example.org\r\n\r\nbody\r\n"),
		odd("header-folded", "Subject: a\r\n\tb\r\n  c\r\n\r\nbody\r\n"),
		odd("header-status", "Status: RO\r\nX-Status: A\r\nX-UID: 5\r\nX-Keywords: old\r\nContent-Length: 3\r\nLines: 900\r\n\r\nbody, longer than three bytes\r\n"),
		odd("header-many", "Subject: many\r\n"+strings.Repeat("Received: from a.example.org by b.example.org; Sun, 09 Mar 2003 17:04:05 +0100\r\n", 3000)+"\r\nbody\r\n"),
		odd("dots", head+".\r\n..\r\n. \r\n.\n.\r\n"),
		odd("literal", head+"{5}\r\n{5+}\r\n\"quoted\\\" )\r\n* BYE\r\n+ \r\n"),
		odd("boundary", "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b--\r\n--b\r\nafter the end\r\n"),
	}
}
