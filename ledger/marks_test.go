package ledger

import (
	"fmt"
	"maps"
	"testing"

	"waybill/mail"
)

func TestMarks(t *testing.T) {
	l := openNew(t)
	_, lease, inbox := working(t, l, "anna")
	other, err := l.PutFolder(t.Context(), lease, Folder{Path: "Archiv", Target: "Archiv"})
	must(t, err)
	left, moved := mail.Note{Kind: "left", Text: "gone"}, mail.Note{Kind: "moved", Text: "there"}
	must(t, l.Checkpoint(t.Context(), lease,
		Change{Folder: inbox.ID, Settled: []Row{
			{Key: "a", State: Verified, Size: 1, Digest: mail.Digest{1}, Notes: []mail.Note{left, moved}},
			{Key: "b", State: Verified, Size: 2, Digest: mail.Digest{2}, Notes: []mail.Note{{Kind: "other"}}},
			{Key: "c", State: Verified, Size: 4, Digest: mail.Digest{3}, Notes: []mail.Note{{Kind: "other"}, left}},
			{Key: "d", State: Skipped, Size: 8, Rule: "mirrored"},
			{Key: "e", State: Quarantined, Size: -1, Rule: "broken"}}},
		Change{Folder: other.ID, Settled: []Row{{Key: "a", State: Verified, Size: 16, Digest: mail.Digest{1}}}}))
	// Another mailbox has nothing to do with it.
	_, lease2, f2 := working(t, l, "bert")
	must(t, l.Checkpoint(t.Context(), lease2, Change{Folder: f2.ID, Settled: []Row{{Key: "a", State: Verified, Digest: mail.Digest{1}, Notes: []mail.Note{left}}}}))

	var noted []string
	for f, err := range l.Noted(t.Context(), inbox.Mailbox, "left", "moved", "unknown") {
		must(t, err)
		noted = append(noted, fmt.Sprint(f.Folder == inbox.ID, f.Row.Key, len(f.Row.Notes)))
	}
	if fmt.Sprint(noted) != "[truea2 truec2]" {
		t.Errorf("noted: %v", noted)
	}
	contents := map[string]bool{}
	must(t, l.Contents(t.Context(), inbox.Mailbox, func(c Content) bool {
		contents[fmt.Sprint(c.Folder == inbox.ID, c.Key, c.Digest[0])] = true
		return true
	}))
	if want := (map[string]bool{"truea1": true, "trueb2": true, "truec3": true, "falsea1": true}); !maps.Equal(contents, want) {
		t.Errorf("contents: %v", contents)
	}
	seen := 0
	must(t, l.Contents(t.Context(), inbox.Mailbox, func(Content) bool { seen++; return false }))
	if seen != 1 {
		t.Errorf("%d contents after it was told to stop", seen)
	}
	for kind, want := range map[string]map[int64]int64{"left": {inbox.ID: 2, f2.ID: 1}, "moved": {inbox.ID: 1}, "unknown": {}} {
		if got, err := l.CountNoted(t.Context(), kind); err != nil || !maps.Equal(got, want) {
			t.Errorf("%s: %v, %v; want %v", kind, got, err, want)
		}
	}
	if got, err := l.CountRuled(t.Context(), "mirrored"); err != nil || !maps.Equal(got, map[int64]int64{inbox.ID: 1}) {
		t.Errorf("ruled: %v, %v", got, err)
	}
	for _, c := range []struct {
		kinds, rules    []string
		messages, bytes int64
	}{{nil, nil, 5, 15}, {[]string{"left"}, nil, 3, 10}, {nil, []string{"mirrored"}, 4, 7}, {[]string{"left", "moved", "other"}, []string{"mirrored", "broken"}, 0, 0}} {
		if n, bytes, err := l.Listed(t.Context(), inbox.ID, c.kinds, c.rules); err != nil || n != c.messages || bytes != c.bytes {
			t.Errorf("without %v and %v: %d messages, %d bytes, %v; want %d, %d", c.kinds, c.rules, n, bytes, err, c.messages, c.bytes)
		}
	}
}
