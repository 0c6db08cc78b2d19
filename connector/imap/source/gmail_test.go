package source_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"waybill/connector"
	imapconnector "waybill/connector/imap"
	"waybill/failure"
	"waybill/mail"
)

// responder is a server that answers each command with what a function says;
// $TAG stands for the tag, and an answer that ends with "CUT" is sent without it
// and ends the connection.
func responder(t *testing.T, capabilities string, answer func(conn int, command string) string) connector.Location {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	t.Cleanup(func() { _ = listener.Close(); group.Wait() })
	serve := func(n int, c net.Conn) {
		defer func() { _ = c.Close() }()
		_, _ = fmt.Fprintf(c, "* OK [CAPABILITY IMAP4rev1 %s] ready\r\n", capabilities)
		in := bufio.NewScanner(c)
		for in.Scan() {
			tag, command, _ := strings.Cut(in.Text(), " ")
			text := answer(n, command)
			switch word, _, _ := strings.Cut(command, " "); {
			case text != "":
			case word == "LOGOUT":
				return
			case word == "CAPABILITY":
				text = "* CAPABILITY IMAP4rev1 " + capabilities + "\r\n$TAG OK done\r\n"
			case word == "LOGIN", word == "AUTHENTICATE", word == "NOOP", word == "UNSELECT", word == "CLOSE":
				text = "$TAG OK done\r\n"
			default:
				text = "$TAG BAD not in the script: " + command + "\r\n"
			}
			text, cut := strings.CutSuffix(strings.ReplaceAll(text, "$TAG", tag), "CUT")
			if _, err := io.WriteString(c, text); err != nil || cut {
				return
			}
		}
	}
	group.Go(func() {
		for n := 0; ; n++ {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() { serve(n, c) })
		}
	})
	return location(t, "imap://anna@"+listener.Addr().String()+"/?tls=none")
}

func openScripted(t *testing.T, loc connector.Location, o imapconnector.Options) connector.SourceMailbox {
	t.Helper()
	o.Password = password(t, "secret")
	s, err := imapconnector.Source(t.Context(), loc, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return openBox(t, s, "anna")
}

// gmail plays Gmail: what LIST and EXAMINE show, and labels without that of the
// folder that is open.
type gmail struct {
	mu      sync.Mutex
	open    string
	folders []string // LIST lines
	mail    []gmailMessage
}

type gmailMessage struct {
	labels []string
	in     string // "Spam" or "Trash" instead of all mail
}

func newGmail() *gmail {
	return &gmail{
		folders: []string{
			`(\HasNoChildren) "/" "INBOX"`, `(\HasNoChildren) "/" "Work/Big &- small"`, `(\HasNoChildren) "/" "Work"`, `(\HasNoChildren) "/" "R&AOk-sum&AOk-"`,
			`(\HasChildren \Noselect) "/" "[Gmail]"`, `(\All \HasNoChildren) "/" "[Gmail]/All Mail"`, `(\Drafts \HasNoChildren) "/" "[Gmail]/Drafts"`,
			`(\Sent \HasNoChildren) "/" "[Gmail]/Sent Mail"`, `(\Junk \HasNoChildren) "/" "[Gmail]/Spam"`, `(\Trash \HasNoChildren) "/" "[Gmail]/Trash"`,
			`(\Flagged \HasNoChildren) "/" "[Gmail]/Starred"`, `(\Important \HasNoChildren) "/" "[Gmail]/Important"`,
		},
		mail: []gmailMessage{
			{labels: []string{`\Inbox`}},
			{labels: []string{`\Inbox`, "Work", `\Important`}},
			{labels: []string{"Work", "R&AOk-sum&AOk-", `\Starred`}},
			{labels: nil},
			{labels: []string{`\Sent`}},
			{labels: []string{`\Sent`, "Work/Big &- small"}},
			{labels: []string{`\Draft`}},
			{labels: []string{"Work"}, in: "Spam"},
			{labels: nil, in: "Trash"},
			{labels: []string{`\Starred`, `\Important`}},
		},
	}
}

var examined = regexp.MustCompile(`^(?:EXAMINE|STATUS) "?([^"]*?)"?(?: \(.*)?$`)

// label is the label of a folder, "*" for all mail.
func (g *gmail) label(folder string) string {
	switch folder {
	case "INBOX":
		return `\Inbox`
	case "[Gmail]/All Mail":
		return "*"
	case "[Gmail]/Drafts":
		return `\Draft`
	case "[Gmail]/Sent Mail":
		return `\Sent`
	case "[Gmail]/Starred":
		return `\Starred`
	case "[Gmail]/Important":
		return `\Important`
	}
	return folder
}

// shown are the messages of a folder, as UIDs.
func (g *gmail) shown(folder string) (uids []int) {
	label := g.label(folder)
	for i, m := range g.mail {
		in, within := strings.CutPrefix(folder, "[Gmail]/"+m.in)
		switch {
		case m.in != "":
			if within && in == "" {
				uids = append(uids, i+1)
			}
		case label == "*" || slices.Contains(m.labels, label):
			uids = append(uids, i+1)
		}
	}
	return uids
}

func (g *gmail) answer(_ int, command string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	word, _, _ := strings.Cut(command, " ")
	switch word {
	case "LIST", "LSUB":
		return "* " + word + " " + strings.Join(g.folders, "\r\n* "+word+" ") + "\r\n$TAG OK done\r\n"
	case "NAMESPACE":
		return "* NAMESPACE ((\"\" \"/\")) NIL NIL\r\n$TAG OK done\r\n"
	case "EXAMINE":
		g.open = examined.FindStringSubmatch(command)[1]
		n := len(g.shown(g.open))
		return fmt.Sprintf("* %d EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 99] x\r\n$TAG OK [READ-ONLY] done\r\n", n)
	case "STATUS":
		name := examined.FindStringSubmatch(command)[1]
		return fmt.Sprintf("* STATUS %q (MESSAGES %d UIDNEXT 99 UIDVALIDITY 7)\r\n$TAG OK done\r\n", name, len(g.shown(name)))
	case "UID":
		var b strings.Builder
		for i, uid := range g.shown(g.open) {
			var labels []string
			for _, l := range g.mail[uid-1].labels {
				if l != g.label(g.open) {
					labels = append(labels, `"`+strings.ReplaceAll(l, `\`, `\\`)+`"`)
				}
			}
			_, _ = fmt.Fprintf(&b, "* %d FETCH (UID %d X-GM-MSGID %d X-GM-LABELS (%s) FLAGS (\\Seen) INTERNALDATE \"01-Jan-2020 10:00:00 +0000\" RFC822.SIZE 100)\r\n", i+1, uid, 1000+uid, strings.Join(labels, " "))
		}
		return b.String() + "$TAG OK done\r\n"
	}
	return ""
}

func TestGmailLabels(t *testing.T) {
	for _, tc := range []struct {
		policy string
		order  []string
		want   []string
	}{
		{"", nil, []string{ // "one" is what is usual there
			`INBOX: 1 2(Work $Important)`, `Résumé: 3(Work)`, `Work:`, `Work/Big & small: 6(Sent)`, `[Gmail]/All Mail: 4 10($Important)`,
			`[Gmail]/Drafts: 7`, `[Gmail]/Sent Mail: 5`, `[Gmail]/Spam: 8(Work)`, `[Gmail]/Trash: 9`,
		}},
		{"one", []string{`\Inbox`, "Work", `\Sent`}, []string{
			`INBOX: 1 2(Work $Important)`, `Résumé:`, `Work: 3(R&AOk-sum&AOk-)`, `Work/Big & small:`, `[Gmail]/All Mail: 4 10($Important)`,
			`[Gmail]/Drafts: 7`, `[Gmail]/Sent Mail: 5 6(Work/Big_&-_small)`, `[Gmail]/Spam: 8(Work)`, `[Gmail]/Trash: 9`,
		}},
		{"copies", nil, []string{
			`INBOX: 1 2($Important)`, `Résumé: 3`, `Work: 2($Important) 3`, `Work/Big & small: 6`, `[Gmail]/All Mail: 4 10($Important)`,
			`[Gmail]/Drafts: 7`, `[Gmail]/Sent Mail: 5 6`, `[Gmail]/Spam: 8(Work)`, `[Gmail]/Trash: 9`,
		}},
		{"folders", nil, []string{
			`INBOX: 1 2`, `Résumé: 3`, `Work: 2 3`, `Work/Big & small: 6`, `[Gmail]/All Mail: 1 2 3 4 5 6 7 10`,
			`[Gmail]/Drafts: 7`, `[Gmail]/Important: 2 10`, `[Gmail]/Sent Mail: 5 6`, `[Gmail]/Spam: 8`, `[Gmail]/Starred: 3 10`, `[Gmail]/Trash: 9`,
		}},
	} {
		t.Run(tc.policy+strings.Join(tc.order, ""), func(t *testing.T) {
			loc := responder(t, "X-GM-EXT-1 SPECIAL-USE NAMESPACE LITERAL+ SASL-IR AUTH=PLAIN", newGmail().answer)
			b := openScripted(t, loc, imapconnector.Options{Labels: tc.policy, LabelOrder: tc.order})
			for range 2 {
				folders, err := b.Folders(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				total := int64(0)
				for _, f := range folders {
					if f.Container {
						continue
					}
					line := string(f.Path) + ":"
					messages := list(t, b, f.Path)
					for _, m := range messages {
						line += " " + strings.TrimPrefix(m.Key, "7.")
						if len(m.Flags.Keywords) > 0 {
							kept := slices.Clone(m.Flags.Keywords)
							slices.SortFunc(kept, func(a, c string) int { return strings.Compare(c, a) })
							line += "(" + strings.Join(kept, " ") + ")"
						}
						if m.Flags.System != mail.Seen {
							t.Errorf("%s %s has flags %v", f.Path, m.Key, m.Flags)
						}
					}
					got = append(got, line)
					c, err := b.Census(t.Context(), f.Path, true)
					if err != nil || c.Messages != int64(len(messages)) {
						t.Errorf("%s: the census says %+v, %v, and %d are listed", f.Path, c, err, len(messages))
					}
					total += c.Messages
				}
				if !slices.Equal(got, tc.want) {
					t.Errorf("listed are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tc.want, "\n"))
				}
				if tc.policy == "one" && total != 10 {
					t.Errorf("10 messages are listed %d times", total)
				}
			}
		})
	}
}

func TestUnknownPolicyIsRefused(t *testing.T) {
	loc := responder(t, "X-GM-EXT-1 NAMESPACE SASL-IR AUTH=PLAIN", newGmail().answer)
	s, err := imapconnector.Source(t.Context(), loc, imapconnector.Options{Labels: "twice", Password: password(t, "secret")})
	if err == nil {
		_ = s.Close()
	}
	if failure.ClassOf(err) != failure.Usage {
		t.Errorf("the policy \"twice\" gets %v", err)
	}
}
