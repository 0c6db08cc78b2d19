//go:build unix

package maildir

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

// A clock that goes back between two runs must neither change the order of
// messages nor hide what arrived.
func TestClockThatGoesBack(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	target, err := Target(ctx, connector.Location{Scheme: scheme, Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := target.CreateAccount(ctx, directory.User{ID: "anna"}); err != nil {
		t.Fatal(err)
	}
	var want []string
	var positions []connector.Position
	for i, now := range []time.Time{time.Unix(2_000_000_000, 999_999_000), time.Unix(1_000_000_000, 0), time.Unix(-5, 0)} {
		opened, err := target.Mailbox(ctx, "anna")
		if err != nil {
			t.Fatal(err)
		}
		box := opened.(*targetBox)
		box.opt.now = func() time.Time { return now }
		at, err := box.Position(ctx, mail.Inbox)
		if err != nil {
			t.Fatal(err)
		}
		positions = append(positions, at)
		list := samples()[2*i : 2*i+2]
		receipts, err := box.Append(ctx, mail.Inbox, at, items(list))
		if err != nil || len(receipts) != 2 {
			t.Fatal(receipts, err)
		}
		for j, s := range list {
			want = append(want, s.body)
			stored, r, err := box.Open(ctx, mail.Inbox, receipts[j].ID)
			if err != nil || !stored.Flags.Equal(s.flags) || !stored.InternalDate.Equal(s.date) {
				t.Errorf("read back %v, %v", stored, err)
				continue
			}
			_ = r.Close()
		}
		for j, since := range positions {
			n := 0
			for _, err := range box.Arrived(ctx, mail.Inbox, since) {
				if err != nil {
					t.Fatal(err)
				}
				n++
			}
			if n != 2*(i+1-j) {
				t.Errorf("after batch %d, %d messages arrived since position %d", i+1, n, j+1)
			}
		}
		_ = box.Close()
	}
	var got []string
	for _, s := range readAll(t, connector.Location{Scheme: scheme, Path: dir}, "anna")[mail.Inbox] {
		got = append(got, s.body)
	}
	if !slices.Equal(got, want) {
		t.Errorf("order of arrival is %q, want %q", got, want)
	}
}

// Pieces of a batch that was cut off are removed by Arrived, those of others are not.
func TestTornBatch(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	fill(t, dir, mail.Inbox)
	target, err := Target(ctx, connector.Location{Scheme: scheme, Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	box, err := target.Mailbox(ctx, "anna")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = box.Close() }()
	at, err := box.Position(ctx, mail.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	tmp := filepath.Join(dir, "anna", "tmp")
	torn := filepath.Join(tmp, string(at)+"_000000.waybill")
	other := filepath.Join(tmp, "1350506030.M1P2.host")
	for _, path := range []string{torn, other} {
		if err := os.WriteFile(path, []byte("half a mess"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for s := range box.Arrived(ctx, mail.Inbox, at) {
		t.Errorf("a torn message arrived: %v", s)
	}
	if _, err := os.Stat(torn); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the torn message is still there: %v", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("somebody else's message in delivery is gone: %v", err)
	}
}

// A position that is used again must not let one message replace another.
func TestPositionUsedTwice(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	target, err := Target(ctx, connector.Location{Scheme: scheme, Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := target.CreateAccount(ctx, directory.User{ID: "anna"}); err != nil {
		t.Fatal(err)
	}
	same := sample{body: "the same\r\n", date: time.Unix(1_000_000_000, 0)}
	var at connector.Position
	for i := range 3 {
		box, err := target.Mailbox(ctx, "anna")
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if at, err = box.Position(ctx, mail.Inbox); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := box.Append(ctx, mail.Inbox, at, items([]sample{same})); err != nil {
			t.Fatal(err)
		}
		_ = box.Close()
	}
	if got := readAll(t, connector.Location{Scheme: scheme, Path: dir}, "anna")[mail.Inbox]; len(got) != 3 {
		t.Errorf("%d messages are there, want 3", len(got))
	}
}

// failing is a message whose reader breaks.
func failing(err error) connector.Item {
	return connector.Item{Message: mail.Message{Key: "broken"}, Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(strings.NewReader("half"), errReader{err})), nil
	}}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

func TestBrokenItemLeavesNothing(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	fill(t, dir, mail.Inbox)
	target, err := Target(ctx, connector.Location{Scheme: scheme, Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	box, err := target.Mailbox(ctx, "anna")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = box.Close() }()
	at, err := box.Position(ctx, mail.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	cause := failure.New(failure.Malformed, "read", "test", "test.broken", nil)
	batch := append(append(items(samples()[:1]), failing(cause)), items(samples()[1:2])...)
	receipts, err := box.Append(ctx, mail.Inbox, at, batch)
	if err != nil || receipts[0].ID == "" || !errors.Is(receipts[1].Err, cause) || receipts[2].ID == "" {
		t.Fatalf("receipts are %v, %v", receipts, err)
	}
	left, err := os.ReadDir(filepath.Join(dir, "anna", "tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("tmp holds %v, %v", left, err)
	}
}
