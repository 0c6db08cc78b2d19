package test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// gmailServer plays Gmail: one copy of each message, and folders that show the
// messages with a label (X-GM-EXT-1).
type gmailServer struct {
	t       *testing.T
	mu      sync.Mutex
	folders []string // behind "* LIST "
	mail    []gmailLetter
}

type gmailLetter struct {
	labels string // as X-GM-LABELS has them; "trash" and "spam" lie there alone
	flags  string
}

func newGmailServer(t *testing.T) (*gmailServer, string) {
	t.Helper()
	g := &gmailServer{t: t, folders: []string{
		`(\HasNoChildren) "/" "INBOX"`, `(\HasNoChildren) "/" "Work"`, `(\HasNoChildren) "/" "R&AOk-sum&AOk-"`,
		`(\HasChildren \Noselect) "/" "[Gmail]"`, `(\All \HasNoChildren) "/" "[Gmail]/All Mail"`, `(\Drafts \HasNoChildren) "/" "[Gmail]/Drafts"`,
		`(\Sent \HasNoChildren) "/" "[Gmail]/Sent Mail"`, `(\Junk \HasNoChildren) "/" "[Gmail]/Spam"`, `(\Trash \HasNoChildren) "/" "[Gmail]/Trash"`,
		`(\Flagged \HasNoChildren) "/" "[Gmail]/Starred"`, `(\Important \HasNoChildren) "/" "[Gmail]/Important"`,
	}, mail: []gmailLetter{
		{labels: `\Inbox`, flags: `\Seen`}, {labels: `\Inbox Work`, flags: `\Seen \Flagged`}, {labels: `Work R&AOk-sum&AOk-`}, {labels: ``, flags: `\Seen`},
		{labels: `\Sent`, flags: `\Seen`}, {labels: `\Sent Work`}, {labels: `\Draft`, flags: `\Draft`}, {labels: `trash`}, {labels: `spam`},
	}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); group.Wait() })
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() { g.serve(c) })
		}
	})
	return g, "imap://anna@" + l.Addr().String() + "/?tls=none"
}

var (
	gmailFolder = regexp.MustCompile(`^(?:EXAMINE|STATUS|SELECT) (?:"([^"]*)"|(\S+))`)
	gmailFetch  = regexp.MustCompile(`^(UID )?FETCH (\S+) (.*)$`)
)

func (g *gmailServer) serve(c net.Conn) {
	defer c.Close()
	const caps = "IMAP4rev1 AUTH=PLAIN SASL-IR UIDPLUS X-GM-EXT-1"
	_, _ = fmt.Fprintf(c, "* OK [CAPABILITY %s] Gimap ready\r\n", caps)
	in := bufio.NewScanner(c)
	open := ""
	for in.Scan() {
		tag, command, _ := strings.Cut(in.Text(), " ")
		word, _, _ := strings.Cut(command, " ")
		g.mu.Lock()
		text := "* CAPABILITY " + caps + "\r\n"
		switch word {
		case "LIST", "LSUB":
			text = "* " + word + " " + strings.Join(g.folders, "\r\n* "+word+" ") + "\r\n"
		case "NAMESPACE":
			text = "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n"
		case "EXAMINE", "STATUS":
			m := gmailFolder.FindStringSubmatch(command)
			name := m[1] + m[2]
			n := len(g.shown(name))
			if word == "STATUS" {
				text = fmt.Sprintf("* STATUS %q (MESSAGES %d UIDNEXT 99 UIDVALIDITY 7)\r\n", name, n)
				break
			}
			open = name
			text = fmt.Sprintf("* FLAGS (\\Seen \\Answered \\Flagged \\Draft \\Deleted)\r\n* %d EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 99] x\r\n", n)
		case "UID", "FETCH":
			text = g.fetch(open, command)
		case "LOGOUT":
			g.mu.Unlock()
			return
		case "SELECT", "STORE", "APPEND", "CREATE", "EXPUNGE":
			g.t.Errorf("the source is written to: %s", command)
		}
		g.mu.Unlock()
		if _, err := io.WriteString(c, text+tag+" OK done\r\n"); err != nil {
			return
		}
	}
}

// shown are the UIDs that a folder shows.
func (g *gmailServer) shown(folder string) (uids []int) {
	label := map[string]string{"INBOX": `\Inbox`, "[Gmail]/All Mail": "*", "[Gmail]/Drafts": `\Draft`, "[Gmail]/Sent Mail": `\Sent`, "[Gmail]/Spam": "spam", "[Gmail]/Trash": "trash",
		"[Gmail]/Starred": `\Starred`, "[Gmail]/Important": `\Important`}[folder]
	if label == "" {
		label = folder
	}
	for i, m := range g.mail {
		alone := m.labels == "trash" || m.labels == "spam"
		if label == "*" && !alone || slices.Contains(strings.Fields(m.labels), label) || label == `\Starred` && strings.Contains(m.flags, `\Flagged`) {
			uids = append(uids, i+1)
		}
	}
	return uids
}

func (g *gmailServer) fetch(open, command string) string {
	m := gmailFetch.FindStringSubmatch(command)
	if m == nil {
		return ""
	}
	var b strings.Builder
	for i, uid := range g.shown(open) {
		number := uid
		if m[1] == "" {
			number = i + 1
		}
		if !inSet(m[2], number) {
			continue
		}
		l := g.mail[uid-1]
		var labels []string
		for label := range strings.FieldsSeq(l.labels) {
			own := open == "INBOX" && label == `\Inbox` || open == "[Gmail]/Sent Mail" && label == `\Sent` || open == "[Gmail]/Drafts" && label == `\Draft` || label == open
			if !own && label != "trash" && label != "spam" {
				labels = append(labels, `"`+strings.ReplaceAll(label, `\`, `\\`)+`"`)
			}
		}
		body := fmt.Sprintf("Subject: letter %d\r\n\r\nText %d\r\n", uid, uid)
		_, _ = fmt.Fprintf(&b, "* %d FETCH (UID %d X-GM-MSGID %d X-GM-LABELS (%s) FLAGS (%s) INTERNALDATE \"01-Jan-2020 10:%02d:00 +0000\" RFC822.SIZE %d", i+1, uid, 1000+uid,
			strings.Join(labels, " "), l.flags, uid, len(body))
		if strings.Contains(m[3], "BODY.PEEK[]") {
			_, _ = fmt.Fprintf(&b, " BODY[] {%d}\r\n%s", len(body), body)
		} else if strings.Contains(m[3], "BODY.PEEK[HEADER]") {
			_, _ = fmt.Fprintf(&b, " BODY[HEADER] {%d}\r\n%s", strings.Index(body, "Text"), body[:strings.Index(body, "Text")])
		}
		b.WriteString(")\r\n")
	}
	return b.String()
}

func inSet(set string, n int) bool {
	for part := range strings.SplitSeq(set, ",") {
		from, to, ranged := strings.Cut(part, ":")
		low, _ := strconv.Atoi(from)
		high := low
		if ranged {
			if high, _ = strconv.Atoi(to); to == "*" {
				high = 1 << 30
			}
		}
		if n >= low && n <= high {
			return true
		}
	}
	return false
}

// shelves are the letters in a user's Maildir, by folder.
func shelves(t *testing.T, root string) string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Base(filepath.Dir(path)) != "cur" && filepath.Base(filepath.Dir(path)) != "new" {
			return err
		}
		b, err := os.ReadFile(path)
		folder, _ := filepath.Rel(root, filepath.Dir(filepath.Dir(path)))
		subject, _, _ := strings.Cut(strings.TrimPrefix(string(b), "Subject: letter "), "\r")
		all = append(all, folder+" "+subject)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}

// TestGmailLabels moves labels by each policy, with a preview, twice, and once
// more by another policy.
func TestGmailLabels(t *testing.T) {
	t.Parallel()
	const (
		one    = ". 1, . 2, .R&AOk-sum&AOk- 3, .Work 6, .[Gmail].All Mail 4, .[Gmail].Drafts 7, .[Gmail].Sent Mail 5, .[Gmail].Spam 9, .[Gmail].Trash 8"
		copies = ". 1, . 2, .R&AOk-sum&AOk- 3, .Work 2, .Work 3, .Work 6, .[Gmail].All Mail 4, .[Gmail].Drafts 7, .[Gmail].Sent Mail 5, .[Gmail].Sent Mail 6, .[Gmail].Spam 9, .[Gmail].Trash 8"
	)
	type expected struct {
		shelves string
		work    string // the line of the folder Work in the preview
		sum     string
		other   string
		after   string // what there is after a run with the other policy, too
	}
	for policy, want := range map[string]expected{
		"one":    {shelves: one, work: `Work +1 `, sum: "9 found = 9 verified", other: "copies", after: copies},
		"copies": {shelves: copies, work: `Work +3 `, sum: "12 found = 12 verified", other: "one", after: copies},
	} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			_, location := newGmailServer(t)
			e := newErrand(t)
			e.write("users.csv", mapOf("anna"))
			e.env = []string{"WAYBILL_SOURCE_PASSWORD=secret"}
			args := []string{"migrate", "--from", location, "--to", "maildir:out", "--users", "users.csv", "--labels", policy}
			stands := func(when, want string) {
				t.Helper()
				if got := shelves(t, filepath.Join(e.dir, "out", "anna")); got != want {
					t.Errorf("%s the letters are in %s, want %s", when, got, want)
				}
			}
			if out := e.ends(0, nil, append([]string{"plan", "-v"}, args[1:]...)...); !regexp.MustCompile(want.work).MatchString(out) {
				t.Errorf("the preview does not show %q:\n%s", want.work, out)
			}
			e.ends(0, []string{want.sum}, args...)
			stands("at first", want.shelves)
			if policy == "one" {
				if words := e.read("out/anna/dovecot-keywords"); !strings.Contains(words, "Work") {
					t.Errorf("the label Work is no keyword: %q", words)
				}
			}
			if out := e.ends(0, []string{want.sum}, args...); strings.Contains(out, "policy for labels") {
				t.Errorf("the same policy is told:\n%s", out)
			}
			stands("after the second run", want.shelves)
			args[len(args)-1] = want.other
			e.ends(0, []string{fmt.Sprintf("the policy for labels was %q and is %q from now on", policy, want.other), "12 found = 12 verified"}, args...)
			stands("by another policy", want.after)
			// Each letter is in a folder once, whatever the policy was before.
			e.ends(0, []string{"12 found = 12 verified"}, args...)
			stands("by another policy, again,", want.after)
		})
	}
}
