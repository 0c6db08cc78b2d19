package office

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The migration files are what the extractor of the Exchange Migration Wizard
// left behind in 1997: a packing list, one primary file with the directory, and
// a numbered pair of primary and secondary file for each mailbox, in code page
// 850 and with CR LF at the ends of lines.
const (
	recordHeader = "Folder,Sender,To,Cc,Bcc,Subject,Send-Date,Received-Date,Priority,Unread,Unsent,Body\r\n"
	secondHeader = "Type,Length,Encoding,Islast,Name,Position,Format\r\n"
)

type book struct{ contacts, lists int }

// writeMigrationFiles writes the office of the boxes that are left in them.
func writeMigrationFiles(dir string, boxes []*mailbox) ([]Mailbox, book, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, book{}, err
	}
	packing := []byte("! Microsoft Mail 3.5 post office HARBOUR/BREMEN, 28 November 1997\r\n850\r\n\r\nDirectory.pri\r\n")
	directory, err := toCodePage(directoryFile)
	if err != nil {
		return nil, book{}, err
	}
	if err := os.WriteFile(filepath.Join(dir, "Directory.pri"), directory, 0o644); err != nil {
		return nil, book{}, err
	}
	var all []Mailbox
	for _, box := range boxes {
		if box.system != "migfile" {
			continue
		}
		m, pair, err := writePair(dir, len(all)+1, box)
		if err != nil {
			return nil, book{}, err
		}
		packing = append(packing, pair...)
		all = append(all, m)
	}
	err = os.WriteFile(filepath.Join(dir, "harbour.pkl"), packing, 0o644)
	return all, book{contacts: strings.Count(directoryFile, "\r\nremote,"), lists: strings.Count(directoryFile, "\r\ndl,")}, err
}

// pair is one primary file and its secondary file while they grow.
type pair struct {
	name    string // of the secondary file
	primary bytes.Buffer
	second  bytes.Buffer
}

// writePair writes one mailbox and returns the lines that name its files.
func writePair(dir string, number int, box *mailbox) (Mailbox, string, error) {
	m := Mailbox{User: box.user}
	base := fmt.Sprintf("%08d", number)
	p := pair{name: base + ".sec"}
	p.second.WriteString(secondHeader)
	owner := "PublicMessages"
	if box.user != publicFolders {
		owner = "MS:HARBOUR/BREMEN/" + strings.ToUpper(box.user)
	}
	if box.user == "MDunn" {
		entries, err := toCodePage("PAB,MIGRATE:" + owner + "\r\n" + addressBook + "\r\n")
		if err != nil {
			return m, "", err
		}
		p.primary.Write(entries)
		f := Folder{Path: "Contacts"}
		f.Count = Count{Found: 1, Verified: 1} // the address book becomes one message
		m.Folders = append(m.Folders, f)
	}
	p.primary.WriteString("MAILMESSAGE," + owner + "\r\n" + recordHeader)
	for _, path := range box.paths() {
		f := Folder{Path: path}
		for _, l := range box.folders[path] {
			if err := p.add(path, l); err != nil {
				return m, "", fmt.Errorf("%s: %w", l.name, err)
			}
			f.Count.Found++
			f.Count.Verified++
		}
		m.Folders = append(m.Folders, f)
	}
	p.breakTwo(&m)
	if err := os.WriteFile(filepath.Join(dir, base+".pri"), p.primary.Bytes(), 0o644); err != nil {
		return m, "", err
	}
	return m, base + ".pri\r\n" + p.name + "\r\n", os.WriteFile(filepath.Join(dir, p.name), p.second.Bytes(), 0o644)
}

// add writes one message: a record in the primary, its sections in the secondary file.
func (p *pair) add(path string, l *letter) error {
	offset := p.second.Len()
	body, err := toCodePage(l.body + "\r\n")
	if err != nil {
		return err
	}
	if slices.ContainsFunc(l.attach, func(a attachment) bool { return a.kind == "Schedule" || a.kind == "Document" }) {
		body = nil
	}
	p.section("Body", body, len(l.attach) == 0, "", "")
	for i, a := range l.attach {
		content, err := toCodePage(strings.ReplaceAll(string(a.content), "\n", "\r\n"))
		if err != nil {
			return err
		}
		position, format := "", "None"
		if a.kind == "Schedule" {
			position, format = "-1", ""
		}
		p.section(a.kind, content, i == len(l.attach)-1, a.name, position+","+format)
	}
	return p.record(path, l, offset)
}

func (p *pair) section(kind string, content []byte, last bool, name, rest string) {
	if rest == "" {
		rest = ","
	}
	fmt.Fprintf(&p.second, "%s,%d,,%s,%s,%s\r\n", kind, len(content), strings.ToUpper(fmt.Sprint(last)), name, rest)
	p.second.Write(content)
	p.second.WriteString("\r\n")
}

func (p *pair) record(path string, l *letter, offset int) error {
	if path == "INBOX" {
		path = "Inbox"
	}
	has := func(flag string) string { return strings.ToUpper(fmt.Sprint(strings.Contains(l.place.flags, flag))) }
	unread := "FALSE"
	if has("S") == "FALSE" {
		unread = "TRUE"
	}
	date := l.at.UTC().Format("20060102150405")
	line := strings.Join([]string{
		field(strings.ReplaceAll(path, "/", `\`)), field(l.fields["from"]), field(l.fields["to"]), field(l.fields["cc"]), field(l.fields["bcc"]),
		field(l.fields["subject"]), date, date, l.fields["priority"], unread, has("D"),
		fmt.Sprintf("#%s(%d)", strings.ToUpper(p.name), offset),
	}, ",")
	encoded, err := toCodePage(line + "\r\n")
	p.primary.Write(encoded)
	return err
}

// breakTwo adds the two broken messages: one whose pointer leads nowhere, and,
// at the file's end, one whose attachment claims to be longer than the file.
func (p *pair) breakTwo(m *Mailbox) {
	if m.User != "HHarbour" {
		return
	}
	i := slices.IndexFunc(m.Folders, func(f Folder) bool { return f.Path == "INBOX" })
	p.primary.WriteString("Inbox,Maureen Dunn,Heinrich Harbour,,,\"Minutes, partners' meeting\",19971103101500,19971103101700,0,FALSE,FALSE,#00000001.SEC(9999999)\r\n")
	m.quarantine(&m.Folders[i], "record whose secondary offset lies behind the end of the file")
	offset := p.second.Len()
	p.section("Body", []byte("The tide tables you asked for. - Maureen\r\n"), false, "", "")
	p.second.WriteString("Attachment,48213,,TRUE,TIDES98.TXT,,None\r\n" + strings.Repeat("HULL  ALBERT DOCK  00.41 7.2  06.55 1.3\r\n", 30))
	fmt.Fprintf(&p.primary, "Inbox,Maureen Dunn,Heinrich Harbour,,,Tide tables 1998,19971121090000,19971121090200,0,TRUE,FALSE,#00000001.SEC(%d)\r\n", offset)
	m.quarantine(&m.Folders[i], "attachment whose declared length goes beyond the end of its file")
}

// field quotes a value where the format wants it. Backslashes of folder paths
// stay single and unquoted, as the extractors write them.
func field(s string) string {
	if strings.ContainsAny(s, "#!,\"%") {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}

func toCodePage(s string) ([]byte, error) {
	encoder, err := encoderFor("IBM850")
	if err != nil {
		return nil, err
	}
	return encoder.Bytes([]byte(s))
}
