package office

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"waybill/mail"
)

// writeMbox writes one mbox file per folder, in the dialect of the box's system.
func writeMbox(dir string, box *mailbox) (Mailbox, error) {
	m := Mailbox{User: box.user}
	for _, p := range append(box.paths(), box.empty...) {
		at := mboxFile(dir, box, p)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return m, err
		}
		f := Folder{Path: p}
		var b bytes.Buffer
		if box.user == "greg.whitfield" && p == "Recovered 1999" {
			b.WriteString(lostHead)
			m.quarantine(&f, "bytes before the first From_ line, left by a file recovery program")
		}
		for i, l := range box.folders[p] {
			content := withStatus(box.system, l)
			cut := box.user == "bengt.lund" && p == "cron/kogge" && i == len(box.folders[p])-1
			if cut {
				// The disk was full: the file ends before its Content-Length says so.
				content = bytes.TrimRight(content[:len(content)-100], "\n")
				m.broken = append(m.broken, Broken{m.User, p, "last message is cut off in the middle", "verified with a note"})
			}
			f.add(content)
			writeStored(&b, box.system, l, content, !cut)
		}
		if err := os.WriteFile(at, b.Bytes(), 0o600); err != nil {
			return m, err
		}
		if box.system == "mozilla" {
			index := "// <!-- <mdb:mork:z v=\"1.4\"/> -->\n< <(a=c)> // (f=iso-8859-1)\n  (B8=numMsgs)(B9=folderName)>\n"
			if err := os.WriteFile(at+".msf", []byte(index), 0o600); err != nil {
				return m, err
			}
		}
		m.Folders = append(m.Folders, f)
	}
	return m, nil
}

// mboxFile is where the folder lies: DIR/user.mbox and DIR/user/a/b.mbox, or in
// Mozilla's way DIR/user/a.sbd/b.
func mboxFile(dir string, box *mailbox, path string) string {
	names := mail.Path(path).Names()
	if box.system == "mozilla" {
		if path == "INBOX" {
			names = []string{"Inbox"}
		}
		at := filepath.Join(dir, box.user)
		for _, n := range names[:len(names)-1] {
			at = filepath.Join(at, n+".sbd")
		}
		return filepath.Join(at, names[len(names)-1])
	}
	if path == "INBOX" {
		return filepath.Join(dir, box.user+".mbox")
	}
	return filepath.Join(dir, box.user, filepath.Join(names...)+".mbox")
}

// withStatus adds the header fields in which the mail program keeps flags.
func withStatus(system string, l *letter) []byte {
	end := "\n"
	head, body, found := bytes.Cut(l.raw, []byte("\n\n"))
	if !found {
		if head, body, found = bytes.Cut(l.raw, []byte("\r\n\r\n")); found {
			end = "\r\n"
		} else {
			head, body = bytes.TrimRight(l.raw, "\n"), nil
		}
	}
	has := func(flag string) bool { return strings.Contains(l.place.flags, flag) }
	var b strings.Builder
	if system == "mozilla" {
		status := 0
		for flag, bit := range map[string]int{"S": 0x1, "R": 0x2, "F": 0x4, "T": 0x8, "P": 0x1000} {
			if has(flag) {
				status |= bit
			}
		}
		fmt.Fprintf(&b, "X-Mozilla-Status: %04x\nX-Mozilla-Status2: 00000000\n", status)
		if len(l.place.keywords) > 0 {
			fmt.Fprintf(&b, "X-Mozilla-Keys: %s\n", strings.Join(l.place.keywords, " "))
		}
		return slices.Concat([]byte(b.String()), head, []byte(end+end), body)
	}
	if has("S") {
		b.WriteString("Status: RO\n")
	} else {
		b.WriteString("Status: O\n")
	}
	var x []byte
	for _, pair := range [][2]string{{"R", "A"}, {"F", "F"}, {"T", "D"}, {"D", "T"}} {
		if has(pair[0]) {
			x = append(x, pair[1]...)
		}
	}
	if len(x) > 0 {
		fmt.Fprintf(&b, "X-Status: %s\n", x)
	}
	if len(l.place.keywords) > 0 {
		b.WriteString("X-Keywords: " + strings.Join(l.place.keywords, " ") + "\n")
	}
	if system == "mboxcl2" {
		fmt.Fprintf(&b, "Content-Length: %d\n", len(body))
	}
	return slices.Concat(head, []byte(end), []byte(strings.ReplaceAll(b.String(), "\n", end)+end), body)
}

var fromLine = regexp.MustCompile(`(?m)^>*From `)

// writeStored adds a message with its From_ line, quoted as the dialect wants.
func writeStored(b *bytes.Buffer, system string, l *letter, content []byte, whole bool) {
	sender := "MAILER-DAEMON"
	if m := angle.FindStringSubmatch(l.fields["from"]); m != nil {
		sender = m[1]
	}
	if system == "mozilla" {
		sender = "-"
	}
	fmt.Fprintf(b, "From %s %s\n", sender, l.at.UTC().Format("Mon Jan _2 15:04:05 2006"))
	if system == "mbox" { // mboxrd
		content = fromLine.ReplaceAll(content, []byte(">$0"))
	}
	b.Write(content)
	if whole {
		b.WriteString("\n")
	}
}

// lostHead is the sort of thing that recovery programs put before what they found.
const lostHead = "\x00\x00\x00\x00\x1a\x00RECUP1.2 cluster 000481f2 chain broken\r\n\x00\x00" +
	"ject: Re: cargo manifest MV Aldgate Pride\n\nGreg, the manifest is with the agent, 41 pallets not 14.\nRegards, Maureen\n\n"
