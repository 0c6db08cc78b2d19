package report

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"waybill/event"
	"waybill/rights"
)

const script = `</script><script>alert("x")</script><img src=x onerror=alert(1)>`

// hostile is a waybill in which every text comes from somebody who means ill.
func hostile() (*Waybill, []Message) {
	w := base(1)
	evil := script + "\u202egpj.exe\u202c\x00\x1b[31m\xff'\"" + strings.Repeat("A", 10_000)
	w.Program, w.Level = evil, evil
	w.Source.Location, w.Target.System, w.Run.Host = evil, evil, evil
	m := Mailbox{User: evil, Name: evil, Account: evil, Kind: evil, State: Exceptions, Notes: map[string]int64{evil: 1}}
	w.addFolder(&m, evil, Count{Verified: 1, Quarantined: 1})
	m.Folders[0].Use = evil
	w.addMailbox(m)
	w.Notes[evil] = 7
	w.Runs[0].Command = evil
	w.Findings = []rights.Finding{{Action: evil, Identity: evil, Where: evil, Needed: evil, Held: evil, Detail: evil, OK: true, Event: evil}}
	w.Events = append(w.Events, event.Event{Code: event.MessageQuarantined, Time: noon, User: evil, Folder: evil, Key: evil, Detail: evil, Remedy: evil},
		event.Event{Code: event.Code(evil), Time: noon, Text: evil})
	return w, []Message{{User: evil, Account: evil, Folder: evil, Target: evil, Key: evil, ID: evil, State: "quarantined", Rule: evil, Reason: evil, Class: evil, Size: 1, SHA256: evil, Date: evil}}
}

func TestHostileTextIsHarmless(t *testing.T) {
	w, list := hostile()
	w.Exceptions, w.Rules = list, map[string]int64{list[0].Rule: 1}
	o := w.ordered()
	var out bytes.Buffer
	if err := render(&out, &o); err != nil {
		t.Fatal(err)
	}
	page := out.String()
	if n := strings.Count(page, "<script"); n != 2 {
		t.Errorf("%d script elements, want the island and our own", n)
	}
	if n := strings.Count(page, "</script"); n != 2 {
		t.Errorf("%d ends of scripts, want 2", n)
	}
	for _, bad := range []string{"<img", "onerror=alert(1)>", "\u202e", "\x00", "\x1b", strings.Repeat("A", 1000)} {
		if strings.Contains(page, bad) {
			t.Errorf("the page contains %q", bad)
		}
	}
	for _, good := range []string{"⟨U+202E⟩", "⟨U+0000⟩", "⟨0xFF⟩", "&lt;img"} {
		if !strings.Contains(page, good) {
			t.Errorf("the page does not show %q", good)
		}
	}
	if !utf8.ValidString(page) {
		t.Error("the page is not UTF-8")
	}
	if len(page) > 150_000 {
		t.Errorf("%d bytes: long names were not cut", len(page))
	}
	summary := Summary(w)
	if strings.ContainsAny(summary, "\x00\x1b\u202e") || len(summary) > 4000 {
		t.Errorf("the summary (%d bytes) writes control characters to the terminal: %.4000q", len(summary), summary)
	}
}

func TestVisible(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"plain", "plain"},
		{"Grüße, 你好, שלום", "Grüße, 你好, שלום"},
		{"a\u202eb", "a⟨U+202E⟩b"},
		{"a\u2066b\u2069", "a⟨U+2066⟩b⟨U+2069⟩"},
		{"tab\tline\n", "tab⟨U+0009⟩line⟨U+000A⟩"},
		{"\x1b[2J", "⟨U+001B⟩[2J"},
		{"\xff\xc3", "⟨0xFF⟩⟨0xC3⟩"},
		{"replaced \ufffd", "replaced \ufffd"},
		{"no\u00a0break", "no⟨U+00A0⟩break"},
		{"zero\u200bwidth", "zero⟨U+200B⟩width"},
		{"می\u200cخواهم", "می\u200cخواهم"},
		{"tag\U000e0041", "tag⟨U+E0041⟩"},
		{"private\ue000", "private⟨U+E000⟩"},
		{"\u3164", "⟨U+3164⟩"},
		{"e\u0301", "e\u0301"},
		{"z" + strings.Repeat("\u0301", 50), "z" + strings.Repeat("\u0301", 4)},
		{strings.Repeat("x", 60), strings.Repeat("x", 60)},
		{strings.Repeat("x", 61), strings.Repeat("x", 60) + "… (61 bytes)"},
		{strings.Repeat("é", 60), strings.Repeat("é", 60)},
		{strings.Repeat("é", 1061), strings.Repeat("é", 60) + "… (2,122 bytes)"},
	} {
		if got := visible(c.in, 60); got != c.want {
			t.Errorf("visible(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestVisibleProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := string(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "bytes"))
		if rapid.Bool().Draw(t, "unicode") {
			in = rapid.String().Draw(t, "text")
		}
		limit := rapid.IntRange(1, 100).Draw(t, "limit")
		got := visible(in, limit)
		if !utf8.ValidString(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
		for _, r := range got {
			if hidden(r) {
				t.Fatalf("%U is left in %q", r, got)
			}
		}
		if n := utf8.RuneCountInString(got); n > limit*10+20 {
			t.Fatalf("%d characters for a limit of %d", n, limit)
		}
		if again := visible(got, 10_000); again != got {
			t.Fatalf("not stable: %q, then %q", got, again)
		}
	})
}
