package source_test

import (
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"waybill/connector"
	imapconnector "waybill/connector/imap"
	"waybill/failure"
	"waybill/mail"
)

// inbox answers for a mailbox with nothing but an inbox of n messages; more is
// asked first.
func inbox(n int, more func(conn int, command string) string) func(int, string) string {
	return func(conn int, command string) string {
		if text := more(conn, command); text != "" {
			return text
		}
		word, _, _ := strings.Cut(command, " ")
		switch {
		case word == "LIST":
			return "* LIST () \"/\" INBOX\r\n$TAG OK done\r\n"
		case word == "LSUB":
			return "$TAG OK done\r\n"
		case word == "STATUS":
			return fmt.Sprintf("* STATUS INBOX (MESSAGES %d UIDNEXT 99 UIDVALIDITY 7)\r\n$TAG OK done\r\n", n)
		case word == "EXAMINE":
			return fmt.Sprintf("* %d EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 99] x\r\n$TAG OK [READ-ONLY] done\r\n", n)
		case strings.HasPrefix(command, "UID SEARCH"):
			return "* SEARCH 1 2 3\r\n$TAG OK done\r\n"
		case strings.Contains(command, "RFC822.SIZE"):
			return told(1) + told(2) + told(3) + "$TAG OK done\r\n"
		}
		return ""
	}
}

func told(uid int) string {
	return fmt.Sprintf("* %d FETCH (UID %d FLAGS () INTERNALDATE \"01-Jan-2020 10:00:00 +0000\" RFC822.SIZE 10)\r\n", uid, uid)
}

const basic = "LITERAL+ SASL-IR AUTH=PLAIN"

func TestWhatFetchLeavesOutIsAskedForAgain(t *testing.T) {
	for name, tc := range map[string]struct {
		second string // what the second question brings
		keys   string
	}{
		"told then":   {told(2), "7.1 7.2 7.3"},
		"never told":  {"", "7.1 7.3 7.2!"},
		"flags alone": {"* 2 FETCH (UID 2 FLAGS (\\Seen))\r\n", "7.1 7.3 7.2!"},
	} {
		t.Run(name, func(t *testing.T) {
			loc := responder(t, basic, inbox(3, func(_ int, command string) string {
				switch {
				case strings.HasPrefix(command, "UID FETCH 1:*"):
					return told(1) + "* 3 FETCH (FLAGS (\\Seen))\r\n* 2 FETCH (UID rubbish\r\n" + told(3) + told(3) + "$TAG OK done\r\n"
				case strings.HasPrefix(command, "UID FETCH 2 "):
					return tc.second + "$TAG OK done\r\n"
				}
				return ""
			}))
			var keys []string
			for m, err := range openScripted(t, loc, imapconnector.Options{}).Messages(t.Context(), mail.Inbox) {
				if err != nil {
					if failure.ClassOf(err) != failure.Malformed || m.Key == "" {
						t.Fatalf("the listing says %v", err)
					}
					m.Key += "!"
				}
				keys = append(keys, m.Key)
			}
			if got := strings.Join(keys, " "); got != tc.keys {
				t.Errorf("listed are %s, want %s", got, tc.keys)
			}
		})
	}
}

func TestOddAnswersOfAListing(t *testing.T) {
	loc := responder(t, basic, inbox(3, func(_ int, command string) string {
		if !strings.HasPrefix(command, "UID FETCH 1:*") {
			return ""
		}
		return "* 1 FETCH (UID 1 FLAGS (\\Recent \\Odd Work work) INTERNALDATE \"00-Foo-2020 10:00:00 +0000\" RFC822.SIZE 10)\r\n" +
			told(2) + told(3) + "* 4 FETCH (UID 120 FLAGS () INTERNALDATE \"01-Jan-2020 10:00:00 +0000\" RFC822.SIZE 10)\r\n$TAG OK done\r\n"
	}))
	messages := list(t, openScripted(t, loc, imapconnector.Options{}), mail.Inbox)
	if len(messages) != 3 {
		t.Fatalf("%d messages are listed: new mail is for the next run", len(messages))
	}
	m := messages[0]
	if !m.InternalDate.IsZero() || !m.Flags.Equal(mail.NewFlagSet(0, "Work")) || len(m.Notes) != 2 || m.Notes[0].Kind != "flag-unknown" || m.Notes[1].Kind != "date-unreadable" {
		t.Errorf("the odd message is %+v", m)
	}
}

// TestLostConnection cuts the line in a body: its reader fails, and the next
// opening connects again.
func TestLostConnection(t *testing.T) {
	for _, announce := range []bool{false, true} {
		loc := responder(t, basic, inbox(3, func(conn int, command string) string {
			if !strings.Contains(command, "BODY.PEEK[]") {
				return ""
			}
			if conn <= 1 { // the first logon may have been on a connection of its own
				return "* 1 FETCH (UID 1 BODY[] {10}\r\n12345CUT"
			}
			return "* 1 FETCH (UID 1 BODY[] {10}\r\n1234567890)\r\n$TAG OK done\r\n"
		}))
		b := openScripted(t, loc, imapconnector.Options{})
		messages := list(t, b, mail.Inbox)
		for attempt := 0; ; attempt++ {
			if announce {
				b.(connector.Announcer).Announce(t.Context(), mail.Inbox, messages)
			}
			r, err := b.Open(t.Context(), mail.Inbox, messages[0])
			var text []byte
			if err == nil {
				text, err = io.ReadAll(r)
				_ = r.Close()
			}
			if err == nil {
				if string(text) != "1234567890" || attempt == 0 {
					t.Errorf("attempt %d reads %q", attempt, text)
				}
				break
			}
			if attempt == 2 || failure.ClassOf(err) != failure.Transient {
				t.Fatalf("attempt %d: %v", attempt, err)
			}
		}
	}
}

func TestRenumberedFolder(t *testing.T) {
	var renumbered atomic.Bool
	loc := responder(t, basic, inbox(3, func(_ int, command string) string {
		if renumbered.Load() && strings.HasPrefix(command, "EXAMINE") {
			return "* 3 EXISTS\r\n* OK [UIDVALIDITY 8] x\r\n* OK [UIDNEXT 99] x\r\n$TAG OK [READ-ONLY] done\r\n"
		}
		if strings.Contains(command, "BODY.PEEK[]") {
			return "* 1 FETCH (UID 1 BODY[] {10}\r\n12345CUT"
		}
		return ""
	}))
	b := openScripted(t, loc, imapconnector.Options{})
	messages := list(t, b, mail.Inbox)
	renumbered.Store(true)
	for range 2 {
		r, err := b.Open(t.Context(), mail.Inbox, messages[0])
		if err == nil {
			_, err = io.ReadAll(r)
			_ = r.Close()
		}
		if failure.ClassOf(err) != failure.Transient {
			t.Errorf("a message under its old number: %v", err)
		}
	}
}

func TestBodiesThatDoNotCome(t *testing.T) {
	for name, tc := range map[string]struct {
		answer, search string
		class          failure.Class
	}{
		"NIL, there":    {"* 1 FETCH (UID 1 BODY[] NIL)\r\n$TAG OK done\r\n", "* SEARCH 1", failure.Malformed},
		"NIL, gone":     {"* 1 FETCH (UID 1 BODY[] NIL)\r\n$TAG OK done\r\n", "* SEARCH", failure.Vanished},
		"nothing":       {"$TAG OK done\r\n", "* SEARCH", failure.Vanished},
		"refused":       {"$TAG NO the message is damaged\r\n", "* SEARCH 1", failure.Malformed},
		"expunged":      {"$TAG NO [EXPUNGEISSUED] some are gone\r\n", "* SEARCH", failure.Vanished},
		"out of order":  {"$TAG NO [UNAVAILABLE] come back later\r\n", "* SEARCH 1", failure.Throttled},
		"not readable":  {"* 1 FETCH (UID x BODY[] {2}\r\nxx)\r\n$TAG OK done\r\n", "* SEARCH 1", failure.Malformed},
		"another's UID": {"* 2 FETCH (UID 2 BODY[] {2}\r\nxx)\r\n$TAG OK done\r\n", "* SEARCH", failure.Vanished},
	} {
		t.Run(name, func(t *testing.T) {
			loc := responder(t, basic, inbox(3, func(_ int, command string) string {
				switch {
				case strings.Contains(command, "BODY.PEEK[]"):
					return tc.answer
				case strings.HasPrefix(command, "UID SEARCH"):
					return tc.search + "\r\n$TAG OK done\r\n"
				}
				return ""
			}))
			b := openScripted(t, loc, imapconnector.Options{})
			for _, announce := range []bool{false, true} {
				m := mail.Message{Key: "7.1", Size: 10}
				if announce {
					b.(connector.Announcer).Announce(t.Context(), mail.Inbox, []mail.Message{m})
				}
				r, err := b.Open(t.Context(), mail.Inbox, m)
				if err == nil {
					_ = r.Close()
				}
				if failure.ClassOf(err) != tc.class || err == nil {
					t.Errorf("opened: %v, want class %v", err, tc.class)
				}
			}
		})
	}
}

// TestInboxThatIsNotListed is tried all the same, and one that is refused is not
// taken for empty.
func TestInboxThatIsNotListed(t *testing.T) {
	for name, tc := range map[string]struct {
		list, status string
		class        failure.Class
	}{
		"readable":           {"", "", failure.Internal},
		"refused, listed":    {"* LIST () \"/\" INBOX\r\n", "$TAG NO Mailbox doesn't exist: INBOX\r\n", failure.Denied},
		"refused, no folder": {"", "$TAG NO [NONEXISTENT] Mailbox does not exist\r\n", failure.Vanished},
	} {
		t.Run(name, func(t *testing.T) {
			loc := responder(t, basic, inbox(3, func(_ int, command string) string {
				switch word, _, _ := strings.Cut(command, " "); word {
				case "LIST":
					return tc.list + "$TAG OK done\r\n"
				case "STATUS":
					return tc.status
				}
				return ""
			}))
			s, err := imapconnector.Source(t.Context(), loc, imapconnector.Options{Password: password(t, "secret")})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = s.Close() }()
			b, err := s.Mailbox(t.Context(), "anna")
			if tc.class != failure.Internal {
				if err == nil || failure.ClassOf(err) != tc.class {
					t.Errorf("the mailbox opens with %v, want class %v", err, tc.class)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = b.Close() }()
			if n := len(list(t, b, mail.Inbox)); n != 3 {
				t.Errorf("%d messages", n)
			}
		})
	}
}

func TestFoldersOfOthersAreLeftOut(t *testing.T) {
	loc := responder(t, basic+" NAMESPACE", inbox(3, func(_ int, command string) string {
		switch word, _, _ := strings.Cut(command, " "); word {
		case "NAMESPACE":
			return "* NAMESPACE ((\"INBOX.\" \".\")) ((\"user.\" \".\")) ((\"\" \".\"))\r\n$TAG OK done\r\n"
		case "LIST":
			return "* LIST () \".\" INBOX\r\n* LIST () \".\" INBOX.Sent\r\n* LIST () \".\" INBOX.INBOX\r\n* LIST () \".\" user.bert\r\n* LIST () \".\" Everybody\r\n" +
				"* LIST () \".\" INBOX.Entw\xfcrfe\r\n* LIST () \".\" INBOX.Entw&APw-rfe\r\n* LIST () \".\" INBOX.a.b.c\r\n$TAG OK done\r\n"
		}
		return ""
	}))
	folders, err := openScripted(t, loc, imapconnector.Options{}).Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range folders {
		name := string(f.Path)
		if before, _, cut := strings.Cut(name, "~"); cut {
			name = before + "~"
		}
		if f.Container {
			name += " (container)"
		}
		for _, n := range f.Notes {
			name += " " + n.Kind
		}
		got = append(got, name)
	}
	want := "INBOX shared-folders-left-out|Entwürfe|Entwürfe~ folder-name-bytes folder-renamed|INBOX/INBOX|Sent|a (container)|a/b (container)|a/b/c"
	if strings.Join(got, "|") != want {
		t.Errorf("folders are\n%s\nwant\n%s", strings.Join(got, "|"), want)
	}
}
