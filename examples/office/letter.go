package office

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/fnv"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"
)

// letter is one message in one place.
type letter struct {
	name  string
	at    time.Time // arrival
	place place
	raw   []byte // as it lies in the folder
	// fields and body are what a mail system without MIME keeps of it.
	fields map[string]string
	body   string
	attach []attachment
}

type place struct {
	user, folder string
	flags        string // letters of Maildir: DFPRST; "new" for not even seen by a server
	keywords     []string
	sent         bool // lies here because this user wrote it: no trace of a journey
}

type attachment struct {
	name    string
	content []byte
	kind    string // section of a secondary file: Attachment, Schedule, Document
}

// draft is a message as the text files have it: directives, header, body.
type draft struct {
	name       string
	at         time.Time
	places     []place
	charset    string
	encoding   string // 8bit, qp, base64
	options    map[string]bool
	copies     int
	attach     []attachment
	header     []string // unfolded fields
	body       []string // lines
	files      map[string][]byte
	neighbours map[string]*draft
}

// load reads all texts and turns them into letters.
func load() ([]*letter, error) {
	drafts := map[string]*draft{}
	files := map[string][]byte{}
	var order []*draft
	err := fs.WalkDir(texts, "text", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := texts.ReadFile(path)
		if err != nil {
			return err
		}
		for _, section := range sections(b) {
			if name, ok := strings.CutPrefix(section.name, "file:"); ok {
				files[name] = section.data
				continue
			}
			read, err := readDraft(section.name, section.data)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if drafts[read.name] != nil {
				return fmt.Errorf("%s: %s is there twice", path, read.name)
			}
			drafts[read.name] = read
			order = append(order, read)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	made, err := series()
	if err != nil {
		return nil, err
	}
	order = append(order, made...)
	files["berths.bmp"] = berthPlan()
	var letters []*letter
	for _, d := range order {
		d.files, d.neighbours = files, drafts
		more, err := d.letters()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", d.name, err)
		}
		letters = append(letters, more...)
	}
	return letters, nil
}

// section is one file of a txtar archive: what follows a line "-- NAME --".
type section struct {
	name string
	data []byte
}

func sections(archive []byte) []section {
	var all []section
	for line := range bytes.Lines(archive) {
		if name, ok := bytes.CutPrefix(bytes.TrimRight(line, "\n"), []byte("-- ")); ok {
			if name, ok = bytes.CutSuffix(name, []byte(" --")); ok {
				all = append(all, section{name: string(name)})
				continue
			}
		}
		if len(all) > 0 {
			last := &all[len(all)-1]
			last.data = append(last.data, line...)
		}
	}
	return all
}

// readDraft reads one section: lines that begin with @, header, empty line, body.
func readDraft(name string, data []byte) (*draft, error) {
	d := &draft{name: name, encoding: "8bit", options: map[string]bool{}, copies: 1}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	state := 0
	for lines.Scan() {
		line := lines.Text()
		switch {
		case state == 0 && strings.HasPrefix(line, "@"):
			if err := d.directive(line[1:]); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, line, err)
			}
		case state < 2 && line == "":
			state = 2
		case state < 2 && (line[0] == ' ' || line[0] == '\t') && len(d.header) > 0:
			d.header[len(d.header)-1] += "\n" + line
		case state < 2:
			state = 1
			d.header = append(d.header, line)
		default:
			d.body = append(d.body, line)
		}
	}
	for len(d.body) > 0 && d.body[len(d.body)-1] == "" {
		d.body = d.body[:len(d.body)-1] // the empty line between two sections
	}
	if d.at.IsZero() || len(d.places) == 0 && !d.options["part"] {
		return nil, fmt.Errorf("%s: wants @at and @in or @sent", name)
	}
	return d, lines.Err()
}

func (d *draft) directive(s string) error {
	word, rest, _ := strings.Cut(s, " ")
	switch word {
	case "at":
		at, err := time.Parse(time.RFC3339, rest)
		if err != nil {
			return err
		}
		d.at = at
	case "in", "sent":
		parts := strings.Split(rest, "|")
		for i := range parts {
			parts[i] = strings.TrimSpace(parts[i])
		}
		parts = append(parts, "", "", "")
		d.places = append(d.places, place{parts[0], parts[1], parts[2], strings.Fields(parts[3]), word == "sent"})
	case "charset":
		d.charset = rest
	case "encoding":
		d.encoding = rest
	case "copies":
		_, err := fmt.Sscan(rest, &d.copies)
		return err
	case "attach":
		kind, name, _ := strings.Cut(rest, " ")
		d.attach = append(d.attach, attachment{name: name, kind: kind})
	case "raw8", "nodate", "noid", "nomime", "chop", "crlf", "empty", "part", "notrace":
		d.options[word] = true
	default:
		return fmt.Errorf("unknown directive %q", word)
	}
	return nil
}

// letters makes one letter for each place and copy.
func (d *draft) letters() ([]*letter, error) {
	message, err := d.render()
	if err != nil {
		return nil, err
	}
	var letters []*letter
	for _, p := range d.places {
		raw := message
		if !p.sent && !d.options["notrace"] && !d.options["empty"] {
			raw = slices.Concat(d.trace(p), message)
		}
		if d.options["crlf"] {
			raw = bytes.ReplaceAll(raw, []byte("\n"), []byte("\r\n"))
		}
		if d.options["chop"] {
			raw = bytes.TrimRight(raw, "\r\n")
		}
		for n := range d.copies {
			l := &letter{name: fmt.Sprintf("%s.%d", d.name, n), at: d.at, place: p, raw: raw, fields: map[string]string{}, body: strings.Join(d.body, "\r\n")}
			for _, h := range d.header {
				key, value, _ := strings.Cut(h, ":")
				l.fields[strings.ToLower(key)] = strings.ReplaceAll(strings.TrimSpace(value), "\n", "")
			}
			for _, a := range d.attach {
				content, ok := d.files[a.name]
				if !ok {
					return nil, fmt.Errorf("no file %q", a.name)
				}
				l.attach = append(l.attach, attachment{a.name, content, a.kind})
			}
			letters = append(letters, l)
		}
	}
	return letters, nil
}

var angle = regexp.MustCompile(`<([^<>]*)>`)

// trace is what the servers on the way put before the message.
func (d *draft) trace(p place) []byte {
	sender := "MAILER-DAEMON"
	for _, h := range d.header {
		if m := angle.FindStringSubmatch(h); m != nil && strings.HasPrefix(h, "From:") {
			sender = m[1]
		}
	}
	from := "mx." + domain(sender)
	if strings.HasSuffix(sender, "harbour-hale.example") || !strings.Contains(sender, "@") {
		from = "localhost"
	}
	host, software := "kogge.harbour-hale.example", "Postfix"
	if d.at.Year() < 2002 {
		host, software = "mail.harbour-hale.example", "8.9.3/8.9.3"
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "Return-Path: <%s>\nDelivered-To: %s@harbour-hale.example\n", sender, p.user)
	if software == "Postfix" {
		fmt.Fprintf(&b, "Received: from %s (%s [192.0.2.%d])\n\tby %s (Postfix) with ESMTP id %010X\n\tfor <%s@harbour-hale.example>; %s\n",
			from, from, number(from)%250+2, host, number(d.name, p.user)&0xffffffffff, p.user, d.at.Format("Mon, _2 Jan 2006 15:04:05 -0700"))
	} else {
		fmt.Fprintf(&b, "Received: from %s ([192.0.2.%d]) by %s (%s) with SMTP id %s;\n\t%s\n", from, number(from)%250+2, host, software,
			"PAA"+fmt.Sprint(number(d.name)%30000), d.at.Format("Mon, _2 Jan 2006 15:04:05 -0700"))
	}
	return b.Bytes()
}

func domain(address string) string {
	_, d, ok := strings.Cut(address, "@")
	if !ok {
		return "harbour-hale.example"
	}
	return d
}

// number gives the same number for the same words, in every run.
func number(words ...string) uint64 {
	h := fnv.New64a()
	for _, w := range words {
		_, _ = h.Write([]byte(w + "\x00"))
	}
	return h.Sum64()
}
