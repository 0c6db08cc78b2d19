package rewrite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/connector/fake"
	"waybill/connector/maildir"
	"waybill/directory"
	"waybill/failure"
	"waybill/internal/scratch"
	"waybill/mail"
)

// wrap puts a rewriting source in front of another.
func wrap(inner connector.Source) *Source {
	s := New(inner)
	s.Use(Simple(office()))
	return s
}

const oldLetter = "From: Anna <" + annaEX + ">\r\nTo: <b@x.example>\r\nSubject: x\r\n\r\nFrom: " + annaEX + "\r\n"

func TestConformance(t *testing.T) {
	connectortest.RunSource(t, connectortest.SourceConfig{OpenSource: func(context.Context) (connector.Source, error) {
		s := fake.New(fake.Options{})
		for _, user := range []string{"anna", "bert"} {
			s.AddUser(directory.User{ID: user})
			for i, body := range []string{oldLetter, "", "Subject: y\n\nbody\n", "no header at all", oldLetter + strings.Repeat("x", 100<<10)} {
				s.AddMessage(user, mail.Inbox, fake.Message{Body: []byte(body), Flags: mail.NewFlagSet(mail.Flags(i))})
			}
		}
		return wrap(s.Source()), nil
	}})
}

// TestConformanceOfMaildir reads files, whose sizes and states are known.
func TestConformanceOfMaildir(t *testing.T) {
	loc := connector.Location{Scheme: "maildir", Path: scratch.Dir(t)}
	for user, letters := range map[string][]string{"anna": {oldLetter, "Subject: y\n\nbody\n", oldLetter}, "bert": {"", "no header at all"}} {
		for _, sub := range []string{"cur", "new", "tmp"} {
			if err := os.MkdirAll(filepath.Join(loc.Path, user, sub), 0o700); err != nil {
				t.Fatal(err)
			}
		}
		for i, text := range letters {
			if err := os.WriteFile(filepath.Join(loc.Path, user, "cur", fmt.Sprintf("150000000%d.M%dP1.host:2,S", i, i)), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	connectortest.RunSource(t, connectortest.SourceConfig{Dir: loc.Path, OpenSource: func(ctx context.Context) (connector.Source, error) {
		s, err := maildir.Source(ctx, loc)
		if err != nil {
			return nil, err
		}
		return wrap(s), nil
	}})
}

// sizedBody is a reader that knows its length and has a note of its own.
type sizedBody struct {
	io.Reader
	size int64
}

func (b sizedBody) Size() int64        { return b.size }
func (b sizedBody) Notes() []mail.Note { return []mail.Note{{Kind: "inner"}} }
func (b sizedBody) Close() error       { return nil }

func TestReader(t *testing.T) {
	fold := strings.Repeat("X-Fill: "+strings.Repeat("x", 90)+"\r\n", 200)
	for name, in := range map[string]string{
		"small": oldLetter, "empty": "", "body only": "\r\n" + oldLetter, "no end": "From: <" + annaEX + ">", "LF": strings.ReplaceAll(oldLetter, "\r\n", "\n"),
		"large header": fold + oldLetter, "ends anywhere": fold[:len(fold)/3] + oldLetter,
	} {
		header, body, found := strings.Cut(in, "\r\n\r\n")
		if end := headerEnd([]byte(in), 0); end >= 0 {
			header, body, found = in[:end], in[end:], true
		}
		if !found {
			header, body = in, ""
		}
		want, _ := rewriteHeader([]byte(header), office())
		for _, slow := range []bool{true, false} {
			var from io.Reader = strings.NewReader(in)
			if slow {
				from = iotest.OneByteReader(from)
			}
			r := &reader{inner: sizedBody{from, int64(len(in))}, table: office()}
			if size := r.Size(); size != int64(len(want)+len(body)) {
				t.Errorf("%s: %d bytes are promised, want %d", name, size, len(want)+len(body))
			}
			got, err := io.ReadAll(iotest.HalfReader(r))
			if err != nil || string(got) != string(want)+body {
				t.Errorf("%s: %v\n%.200q, want\n%.200q", name, err, got, want)
			}
			if notes := r.Notes(); notes[0].Kind != "inner" || (len(notes) > 1) != (string(want) != header) {
				t.Errorf("%s: notes %v", name, notes)
			}
		}
	}
}

func TestReaderOfDamage(t *testing.T) {
	broken := failure.New(failure.Transient, "read", "x", "test.broken", nil)
	r := &reader{inner: io.NopCloser(io.MultiReader(strings.NewReader("From: <"+annaEX), iotest.ErrReader(broken))), table: office()}
	if got, err := io.ReadAll(r); !errors.Is(err, broken) || string(got) != "From: <"+annaEX || r.Size() != -1 {
		t.Errorf("%q, %v", got, err)
	}
	r = &reader{inner: io.NopCloser(idle{}), table: office()}
	if _, err := io.ReadAll(r); !errors.Is(err, io.ErrNoProgress) {
		t.Error(err)
	}
	// A header without end passes as it is, and is not held in memory.
	line := []byte("X-Fill: " + strings.Repeat("x", 1000) + "\r\n")
	const lines = 20_000
	read := 0
	from := readerFunc(func(p []byte) (int, error) {
		if read == lines {
			return 0, io.EOF
		}
		read++
		return copy(p, line), nil
	})
	r = &reader{inner: io.NopCloser(from), table: office()}
	if r.Size(); len(r.head) > maxHeader+len(line) {
		t.Errorf("%d bytes are held", len(r.head))
	}
	n, err := io.Copy(io.Discard, readerFunc(r.Read))
	if notes := r.Notes(); err != nil || n < int64(read) || len(notes) != 1 || notes[0].Kind != NoteLarge {
		t.Errorf("%d bytes, %v, %v", n, err, notes)
	}
	// What does not look like a header is none, however long.
	text := "From: <" + annaEX + ">\nno field\n" + strings.Repeat("x", 2*maxHeader)
	r = &reader{inner: io.NopCloser(strings.NewReader(text)), table: office()}
	got, err := io.ReadAll(r)
	if err != nil || !bytes.HasPrefix(got, []byte("From: <anna@new.example>\n")) || len(r.Notes()) != 1 || r.Notes()[0].Kind != NoteRewritten {
		t.Errorf("%.80q, %v, %v", got, err, r.Notes())
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

// able offers everything that a source, or a mailbox of one, can offer.
type able struct {
	connector.Source
	connector.SourceMailbox
	connector.Announcer
	connector.Identified
	connector.LargeFinder
	connector.RawKeeper
	changed []mail.Message
}

func (a *able) Changes(context.Context, mail.Path, string) ([]mail.Message, []string, bool, error) {
	return a.changed, []string{"gone"}, true, nil
}

// TestOptional knows every optional interface: one that is new has to be decided
// about here.
func TestOptional(t *testing.T) {
	inner := &able{changed: []mail.Message{{Key: "1", Size: 5}}}
	source := wrap(fake.New(fake.Options{}).Source())
	source.Source = struct {
		connector.Source
		connector.RawKeeper
	}{source.Source, inner}
	box := &mailbox{SourceMailbox: struct {
		connector.SourceMailbox
		connector.Announcer
		connector.Identified
		connector.LargeFinder
		connector.ChangeLister
	}{nil, inner, inner, inner, inner}, source: source}
	passes := map[string]bool{}
	_, passes["Announcer"] = connector.Find[connector.Announcer](box)
	_, passes["Identified"] = connector.Find[connector.Identified](box)
	_, passes["LargeFinder"] = connector.Find[connector.LargeFinder](box)
	_, passes["ChangeLister"] = connector.Find[connector.ChangeLister](box)
	_, passes["RawKeeper"] = connector.Find[connector.RawKeeper](source)
	var r io.Reader = &reader{}
	_, passes["Sized"] = r.(connector.Sized)
	_, passes["Noted"] = r.(connector.Noted)
	targets := []string{"StoredAnnouncer", "Digester", "Digest", "AccountFinder", "RoomTeller", "FillTeller", "MarkReader", "Subscriber", "Granter"}

	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("..", "optional.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if _, ok := spec.Type.(*ast.InterfaceType); !ok {
			return true
		}
		found++
		if name := spec.Name.Name; !passes[name] && !slices.Contains(targets, name) {
			t.Errorf("connector.%s is not passed on: decide about it", name)
		}
		return true
	})
	if found < 10 {
		t.Fatalf("only %d interfaces are in connector/optional.go", found)
	}

	changed, gone, ok, err := box.Changes(t.Context(), mail.Inbox, "x")
	if !ok || err != nil || len(changed) != 1 || changed[0].Size != -1 || inner.changed[0].Size != 5 || len(gone) != 1 {
		t.Errorf("changes are %v, %v, %v, %v", changed, gone, ok, err)
	}
	if _, _, ok, err := (&mailbox{SourceMailbox: struct{ connector.SourceMailbox }{}, source: source}).Changes(t.Context(), mail.Inbox, "x"); ok || err != nil {
		t.Errorf("a mailbox that cannot tell changes tells %v, %v", ok, err)
	}
	if _, ok := connector.Find[connector.LargeFinder](&mailbox{SourceMailbox: struct{ connector.SourceMailbox }{}}); ok {
		t.Error("a mailbox offers what the one behind it does not")
	}

	// Whoever asks for one of them has to ask in the way that sees through wrappers.
	for _, dir := range []string{"../../engine", "../../internal/cli"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for name := range passes {
				if name != "Sized" && name != "Noted" && bytes.Contains(text, fmt.Appendf(nil, ".(connector.%s)", name)) {
					t.Errorf("%s asks for connector.%s without connector.Find", path, name)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
