package siteimap

import (
	"bufio"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"pgregory.net/rapid"

	"waybill/directory"
	"waybill/mail"
	"waybill/secret"
	"waybill/sitestore"
)

// Every path has one IMAP name, which is text and leads back to it.
func TestNames(t *testing.T) {
	name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[/\\sxa0-9]{1,6}`), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfN(name, 1, 3).Draw(t, "names")
		path := mail.NewPath(names...)
		shown := imapName(path)
		if got := sitePath(shown); got != path {
			t.Fatalf("%q is shown as %q, which is %q", path, shown, got)
		}
		if strings.Count(shown, "/") != len(names)-1 {
			t.Fatalf("%q is shown as %q", path, shown)
		}
	})
}

func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{{"*", "a/b", true}, {"%", "a", true}, {"%", "a/b", false}, {"a/%", "a/b", true}, {"a/%", "a/b/c", false}, {"a*c", "a/b/c", true}, {"", "", true}, {"a", "ab", false},
		{"%/%", "a/b", true}, {"*b", "a/b", true}, {"%b", "a/b", false}, {"INBOX", "INBOX", true}, {"", "a", false}, {"*%*", "x", true}} {
		if got := matches(c.name, c.pattern); got != c.want {
			t.Errorf("%q fits %q: %v", c.name, c.pattern, got)
		}
	}
}

// What STORE does to marks, also to those that cannot be shown as they are.
func TestMarks(t *testing.T) {
	have := mail.NewFlagSet(mail.Seen|mail.Flagged, "Work", "zwei Wörter")
	for _, c := range []struct {
		op   markOp
		with []string
		want string
	}{
		{markAdd, []string{`\Deleted`, "work", "new"}, `\Seen \Flagged \Deleted new Work zwei Wörter`},
		{markDel, []string{`\seen`, "WORK", "other"}, `\Flagged zwei Wörter`},
		{markSet, []string{`\Draft`, "zwei_W_rter", "Work"}, `\Draft Work zwei Wörter`},
		{markDel, []string{"zwei_W_rter"}, `\Seen \Flagged Work`},
		{markSet, nil, ""},
		{markSet, []string{`\Recent`, "$forwarded"}, "$Forwarded"},
	} {
		named, err := flagSet(c.with)
		if err != nil {
			t.Fatal(err)
		}
		if got := changedMarks(have, c.op, named).String(); got != c.want {
			t.Errorf("%d %q: %q, want %q", c.op, c.with, got, c.want)
		}
	}
	for _, wrong := range [][]string{{`\Nonsense`}, {strings.Repeat("x", maxKeyword+1)}, make([]string, maxKeywords+1)} {
		if got, err := flagSet(wrong); err == nil {
			t.Errorf("%.20q became %q", wrong, got)
		}
	}
}

// FuzzSession says anything to a session that is logged on. It must neither
// fall over nor stop answering.
func FuzzSession(f *testing.F) {
	for _, s := range []string{"a NOOP", "a SELECT INBOX\r\nb FETCH 1:* (FLAGS BODY[1.2.HEADER.FIELDS (a \"b\")]<0.5> ENVELOPE BODYSTRUCTURE)", "a LIST (SUBSCRIBED RECURSIVEMATCH) \"\" (* %) RETURN (STATUS (MESSAGES))",
		"a APPEND INBOX (\\Seen x) \" 1-Jan-2020 00:00:00 +0000\" {3+}\r\nabc", "a SELECT INBOX\r\nb SEARCH RETURN (SAVE) OR (SEEN) NOT 1:* $ SENTON 1-Jan-2020 BODY {1+}\r\nx",
		"a IDLE\r\nDONE", "a SELECT INBOX\r\nb STORE 1 +FLAGS.SILENT (\\Deleted)\r\nc UID COPY 1 INBOX\r\nd EXPUNGE", "a CREATE x (USE (\\Junk))", "a AUTHENTICATE PLAIN {9+}", "{1+}\r\n", "a RENAME INBOX y"} {
		f.Add(s)
	}
	store, err := sitestore.Create(f.Context(), f.TempDir()+"/fuzz.site", sitestore.CreateOptions{})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = store.Close() })
	f.Fuzz(func(t *testing.T, said string) {
		faults := make(chan string, 10)
		s, err := New(Options{Store: store, Password: secret.Of("x"), MaxMessage: 10_000, Log: func(text string) {
			if strings.Contains(text, "a fault ended") {
				faults <- text
			}
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := store.AddAccount(t.Context(), directory.User{ID: "anna"}); err == nil {
			defer func() { _ = store.RemoveAccount(t.Context(), "anna") }()
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		served := make(chan error, 1)
		go func() { served <- s.Serve(l, false) }()
		defer func() {
			s.Close()
			if err := <-served; err != nil {
				t.Error(err)
			}
		}()
		near, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = near.SetDeadline(time.Now().Add(20 * time.Second))
		go func() {
			_, _ = near.Write([]byte("in LOGIN anna x\r\n" + said + "\r\nlast LOGOUT\r\nDONE\r\nlast LOGOUT\r\n"))
			// Whoever still waits was promised more than was said.
			_ = near.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		}()
		out := bufio.NewScanner(near)
		out.Buffer(nil, 10<<20)
		for out.Scan() {
			// A literal may wait for more than was said: then this side leaves.
			if strings.HasPrefix(out.Text(), "* BYE") || strings.HasPrefix(out.Text(), "+ Ready") {
				break
			}
		}
		_ = near.Close()
		s.Close()
		select {
		case text := <-faults:
			t.Fatal(text)
		default:
		}
	})
}

func TestSets(t *testing.T) {
	for want, numbers := range map[string][]uint32{"": nil, "1": {1}, "1:3": {1, 2, 3}, "1:2,4,9:10": {1, 2, 4, 9, 10}} {
		if got := uidSet(numbers).String(); got != want {
			t.Errorf("%d is written %q", numbers, got)
		}
	}
	x := &session{view: &view{uids: []uint32{5, 7, 9}}, saved: []uint32{7}}
	for _, c := range []struct {
		set  imap.NumSet
		want string
		ok   bool
	}{
		{imap.SeqSet{{Start: 2}}, "2:3", true}, {imap.SeqSet{{Start: 4, Stop: 4}}, "", false}, {imap.UIDSet{{Start: 6, Stop: 8}}, "2:2", true},
		{imap.UIDSet{{Start: 100}}, "3:3", true}, {imap.SearchRes(), "2:2", true}, {imap.UIDSet{{Start: 1, Stop: 4}}, "", true},
	} {
		all, err := x.named(c.set)
		if (err == nil) != c.ok {
			t.Errorf("%v: %v", c.set, err)
		}
		got := ""
		if n := len(all); n > 0 {
			got = string(rune('0'+all[0].seq)) + ":" + string(rune('0'+all[n-1].seq))
		}
		if got != c.want {
			t.Errorf("%v names %q, want %q", c.set, got, c.want)
		}
	}
}
