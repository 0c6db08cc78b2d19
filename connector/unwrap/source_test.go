package unwrap

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/connector/eml"
	"waybill/internal/corpus"
	"waybill/internal/scratch"
	"waybill/mail"
)

func TestConformance(t *testing.T) {
	dir := scratch.Dir(t)
	if err := os.MkdirAll(filepath.Join(dir, "anna"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i, message := range []string{"Subject: plain\r\n\r\ntext\r\n", mixed(tnefPart("application/ms-tnef")), head + tnefPart("application/ms-tnef"), mixed("Content-Type: application/ms-tnef\r\n\r\nno TNEF")} {
		if err := os.WriteFile(filepath.Join(dir, "anna", fmt.Sprint(i, ".eml")), []byte(message), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	connectortest.RunSource(t, connectortest.SourceConfig{
		OpenSource: func(ctx context.Context) (connector.Source, error) {
			loc := connector.Location{Scheme: "eml", Path: dir}
			inner, err := eml.Source(ctx, loc)
			if err != nil {
				return nil, err
			}
			return New(inner, loc), nil
		},
		Dir: dir,
	})
}

// TestRealMail reads every message of the collection. What holds no TNEF passes
// byte for byte; of what does, the readable parts are gone.
func TestRealMail(t *testing.T) {
	if testing.Short() {
		t.Skip("real mail")
	}
	var messages, replaced, unreadable int
	read := func(path string) {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		before, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		got, r := unwrappedFast(t, string(before))
		messages++
		changed := false
		for _, n := range r.Notes() {
			changed = changed || n.Kind == NoteUnwrapped
			if n.Kind == NoteUnreadable {
				unreadable++
			}
		}
		if changed {
			replaced++
		}
		if !changed && got != string(before) {
			t.Errorf("%s changed without a note", path)
		}
	}
	for _, kind := range []string{"eml", "tnef"} {
		err := filepath.WalkDir(corpus.Dir(t, kind), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() && (kind == "eml" || strings.HasSuffix(path, ".eml")) {
				read(path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d messages, %d with TNEF replaced, %d parts that cannot be read", messages, replaced, unreadable)
	if replaced == 0 {
		t.Error("no message with TNEF in the collection")
	}
}

func unwrappedFast(t *testing.T, message string) (string, *reader) {
	t.Helper()
	r := &reader{ctx: t.Context(), inner: io.NopCloser(strings.NewReader(message)), where: string(mail.Inbox)}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Close()
	return string(b), r
}
