package foldertree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/directory"
	"waybill/failure"
	"waybill/internal/scratch"
	"waybill/mail"
)

// notes is a format of the tests: .note files of text, described nowhere.
func notes() *Format {
	ends := func(name string) bool { return strings.HasSuffix(name, ".note") && name[0] != '.' }
	return &Format{System: "notes", Unlike: "are no notes", Candidate: ends, Shown: ends,
		Delivered: func(rest string) bool { return rest == ".note" },
		Kept:      func(name string) bool { return name == ".kept" }}
}

// notekeeper writes notes and remembers what it was told to describe.
type notekeeper struct {
	described []string
	fail      error
}

func (k *notekeeper) Pack() Packer { return notepacker{} }

func (k *notekeeper) Describe(_ context.Context, _ *files.Dir, names []string, items []connector.Item) error {
	for i, name := range names {
		k.described = append(k.described, items[i].Key+"="+filepath.Ext(name))
	}
	return k.fail
}

func (k *notekeeper) Stored(_ context.Context, id string, info files.Info) (connector.Stored, error) {
	return connector.Stored{ID: id, Size: info.Size}, nil
}

type notepacker struct{}

func (notepacker) Close() {}

func (notepacker) Open(ctx context.Context, item connector.Item) (Parcel, error) {
	r, err := item.Open(ctx)
	return &note{r}, err
}

type note struct{ io.ReadCloser }

func (n *note) Ending() string     { return ".note" }
func (n *note) Notes() []mail.Note { return []mail.Note{{Kind: "noted"}} }

func (n *note) Write(_ context.Context, f *os.File) error {
	b, err := io.ReadAll(n)
	if err != nil {
		return &ReadError{err}
	}
	_, err = f.Write(b)
	return err
}

func item(key, text string, err error) connector.Item {
	return connector.Item{Message: mail.Message{Key: key, InternalDate: time.Date(1999, 1, 2, 3, 4, 5, 0, time.UTC)}, Open: func(context.Context) (io.ReadCloser, error) {
		r := io.Reader(strings.NewReader(text))
		if err != nil {
			r = io.MultiReader(r, iotest.ErrReader(err))
		}
		return io.NopCloser(r), nil
	}}
}

// openBox makes the mailbox of anna below dir.
func openBox(t *testing.T, dir string, k *notekeeper) *TargetBox[*notekeeper] {
	t.Helper()
	target := &Target{Format: notes(), Dir: dir, What: "a tree of notes"}
	if err := target.CreateAccount(t.Context(), directory.User{ID: "anna"}); err != nil && failure.ClassOf(err) != failure.Conflict {
		t.Fatal(err)
	}
	root, err := target.Root(t.Context(), "anna")
	if err != nil {
		t.Fatal(err)
	}
	b := NewTargetBox(notes(), root, time.Now, func(string) *notekeeper { return k })
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	list, err := files.Names(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// A message that cannot be read is one receipt; an error of the target leaves
// nothing of the batch.
func TestBatches(t *testing.T) {
	ctx, dir, k := t.Context(), scratch.Dir(t), &notekeeper{}
	b := openBox(t, dir, k)
	at, err := b.Position(ctx, mail.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	batch := []connector.Item{item("a", "one", nil), item("b", "half", errors.New("broken")), item("c", "three", nil)}
	receipts, err := b.Append(ctx, mail.Inbox, at, batch)
	if err != nil || failure.RuleOf(receipts[1].Err) != "notes.read" || receipts[1].ID != "" || receipts[0].Err != nil || len(receipts[0].Notes) != 1 || len(receipts[1].Notes) != 0 {
		t.Fatalf("receipts are %+v, %v", receipts, err)
	}
	if !slices.Equal(k.described, []string{"a=.note", "c=.note"}) {
		t.Errorf("described are %q", k.described)
	}
	if got := names(t, filepath.Join(dir, "anna")); !slices.Equal(got, []string{receipts[0].ID, receipts[2].ID}) {
		t.Errorf("the folder holds %q, want %q and %q", got, receipts[0].ID, receipts[2].ID)
	}
	if info, err := os.Stat(filepath.Join(dir, "anna", receipts[2].ID)); err != nil || !info.ModTime().Equal(batch[2].InternalDate) {
		t.Errorf("the file has the time %v, %v", info, err)
	}
	k.fail = failure.New(failure.Full, "describe", "x", "notes.full", nil)
	if _, err := b.Append(ctx, mail.Inbox, at, batch); failure.RuleOf(err) != "notes.full" {
		t.Errorf("a folder that cannot be described gives %v", err)
	}
	if got := names(t, filepath.Join(dir, "anna")); len(got) != 2 {
		t.Errorf("a batch that failed left %q", got)
	}
}

// What a crash left hidden is swept; what was named is found, in order.
func TestArrivedAfterACrash(t *testing.T) {
	ctx, dir := t.Context(), scratch.Dir(t)
	b := openBox(t, dir, &notekeeper{})
	deliver := func(text string) string {
		at, err := b.Position(ctx, mail.Inbox)
		if err != nil {
			t.Fatal(err)
		}
		receipts, err := b.Append(ctx, mail.Inbox, at, []connector.Item{item("x", text, nil)})
		if err != nil {
			t.Fatal(err)
		}
		return receipts[0].ID
	}
	before := deliver("before")
	since, err := b.Position(ctx, mail.Inbox)
	if err != nil {
		t.Fatal(err)
	}
	first, second := deliver("first"), deliver("second")
	mine := filepath.Join(dir, "anna")
	for _, hidden := range []string{tempName(second), ".other.tmp", "strange.note", "." + second, second + unfinished} {
		if err := os.WriteFile(filepath.Join(mine, hidden), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for s, err := range openBox(t, dir, &notekeeper{}).Arrived(ctx, mail.Inbox, since) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s.ID)
	}
	if !slices.Equal(got, []string{first, second}) {
		t.Errorf("arrived are %q, want %q and %q", got, first, second)
	}
	want := []string{"." + second, ".other.tmp", before, first, second, second + unfinished, "strange.note"}
	slices.Sort(want)
	if got := names(t, mine); !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
}

func TestFoldersKeepWhatIsNotOurs(t *testing.T) {
	ctx, dir := t.Context(), scratch.Dir(t)
	b := openBox(t, dir, &notekeeper{})
	path := mail.NewPath("Work", "a/b")
	for range 2 {
		if err := b.CreateFolder(ctx, mail.Folder{Path: path}); err != nil {
			t.Fatal(err)
		}
	}
	inside := filepath.Join(dir, "anna", "Work", "a%2Fb")
	for _, name := range []string{".kept", "letter.doc"} {
		if err := os.WriteFile(filepath.Join(inside, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.DeleteFolder(ctx, path); failure.RuleOf(err) != "notes.not-empty" {
		t.Errorf("deleting a folder with a letter gives %v", err)
	}
	if err := b.Remove(ctx, path, "letter.doc"); failure.RuleOf(err) != "notes.vanished" {
		t.Errorf("removing a letter gives %v", err)
	}
	if err := b.Remove(ctx, path, "../x.note"); failure.RuleOf(err) != "notes.vanished" {
		t.Errorf("removing what lies elsewhere gives %v", err)
	}
	if err := os.Remove(filepath.Join(inside, "letter.doc")); err != nil {
		t.Fatal(err)
	}
	if err := b.DeleteFolder(ctx, path); err != nil {
		t.Error(err)
	}
	if err := b.DeleteFolder(ctx, mail.Inbox); failure.RuleOf(err) != "notes.inbox" {
		t.Errorf("deleting the inbox gives %v", err)
	}
}

// Whatever names folders have, each can be made under the name that the tree finds
// for it, and is listed under that name afterwards.
func TestFolderNamesComeBack(t *testing.T) {
	dir, n := scratch.Dir(t), 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		b := openBox(t, filepath.Join(dir, fmt.Sprint(n)), &notekeeper{})
		wanted := mail.NewPath(rapid.SliceOfN(rapid.StringMatching(`[^\x00]{0,20}|CON|\.\.?|~|inbox`), 1, 4).Draw(r, "names")...)
		if wanted == "" {
			r.Skip("that is no folder")
		}
		target := &Target{Format: notes()}
		stored, shown, _ := target.FolderName(wanted, rapid.IntRange(0, 2).Draw(r, "attempt"))
		if err := b.CreateFolder(t.Context(), mail.Folder{Path: stored}); err != nil {
			r.Fatalf("%q as %q (%s): %v", wanted, stored, shown, err)
		}
		list, err := b.Folders(t.Context())
		if err != nil || !slices.ContainsFunc(list, func(f mail.Folder) bool { return f.Path == stored }) {
			r.Fatalf("%q is not in %v, %v", stored, list, err)
		}
	})
}
