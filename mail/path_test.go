package mail

import (
	"slices"
	"testing"
)

func TestComparePaths(t *testing.T) {
	got := []Path{"Work/Old", "Archive", `A\/Z`, "INBOX/Sub", "Work", Inbox, "A"}
	slices.SortFunc(got, Path.Compare)
	want := []Path{Inbox, "A", `A\/Z`, "Archive", "INBOX/Sub", "Work", "Work/Old"}
	if !slices.Equal(got, want) {
		t.Errorf("sorted: %q, want %q", got, want)
	}
}
