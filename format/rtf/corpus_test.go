package rtf_test

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/msg"
	"waybill/format/rtf"
	"waybill/format/tnef"
	"waybill/internal/corpus"
)

// body is a message with compressed RTF.
type body struct {
	name  string
	props *mapi.Props
	raw   mapi.Data
	path  string // of the file, for its own message
}

// bodies collects compressed RTF from all messages of the collection, embedded ones too.
func bodies(t *testing.T, kind string) (all []body) {
	t.Helper()
	if testing.Short() {
		t.Skip("hundreds of files")
	}
	dir := corpus.Dir(t, kind)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || strings.Contains(path, "clusterfuzz") {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		var m mapi.Message
		if kind == "msg" {
			m, err = msg.Open(bytes.NewReader(b), int64(len(b)), name)
		} else {
			m, err = tnef.Open(t.Context(), bytes.NewReader(b), int64(len(b)), name)
		}
		if err == nil {
			before := len(all)
			collect(t.Context(), m, name, &all)
			if len(all) > before && all[before].name == name {
				all[before].path = path
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func collect(ctx context.Context, m mapi.Message, name string, all *[]body) {
	if v, ok := m.Props().Get(mapi.RTFCompressed); ok && v.Data != nil {
		*all = append(*all, body{name: name, props: m.Props(), raw: v.Data})
	}
	attachments, _ := m.Attachments(ctx)
	for _, a := range attachments {
		if e, err := a.Message(ctx); err == nil && e != nil {
			collect(ctx, e, name+" embedded", all)
		}
	}
}

// words is text without what renderings differ in.
func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r <= ' ' || r == '\u00a0' || r == '\ufeff' })
}

// similar is how much of a is in b, word for word, in no order.
func similar(a, b []string) float64 {
	if len(a) == 0 {
		return 1
	}
	have := map[string]int{}
	for _, w := range b {
		have[w]++
	}
	found := 0
	for _, w := range a {
		if have[w] > 0 {
			have[w]--
			found++
		}
	}
	return float64(found) / float64(len(a))
}

func TestRealBodies(t *testing.T) {
	const limit = 64 << 20
	kinds, rules := map[rtf.Kind]int{}, map[string]int{}
	alike := 0
	for _, b := range append(bodies(t, "msg"), bodies(t, "tnef")...) {
		open := func() io.Reader {
			r, err := b.raw.Open()
			if err != nil {
				t.Fatal(err)
			}
			return rtf.Decompress(r, limit)
		}
		out, kind, err := rtf.Unwrap(open(), rtf.Options{})
		if err != nil {
			rules[failure.RuleOf(err)]++
			t.Logf("%s: %v", b.name, err)
			continue
		}
		kinds[kind]++
		if kind == rtf.KindRTF {
			out = rtf.Text(out, rtf.Options{})
		}
		text, err := io.ReadAll(out)
		if err != nil {
			rules[failure.RuleOf(err)]++
			t.Logf("%s: %v", b.name, err)
		}
		if !utf8.Valid(text) {
			t.Errorf("%s: the output is not UTF-8", b.name)
		}
		plain, err := io.ReadAll(rtf.Text(open(), rtf.Options{}))
		if err != nil {
			t.Logf("%s: as text: %v", b.name, err)
		}
		// The plain text of a message is made of the same body; HTML's only has the links
		// elsewhere.
		enough := 0.9
		if kind == rtf.KindHTML {
			enough = 0.6
		}
		want := words(b.props.Text(mapi.Body))
		switch s := similar(want, words(string(plain))); {
		case s >= enough:
			alike++
		case !strings.HasPrefix(b.name, "aspose-email"): // whose writer puts the text into tags, or its own words into one body
			t.Errorf("%s: %s, %d words, only %.2f of them are in the text", b.name, kind, len(want), s)
		}
	}
	t.Logf("kinds %v, broken rules %v, %d texts alike", kinds, rules, alike)
	if kinds[rtf.KindHTML] < 100 || kinds[rtf.KindText] < 40 || kinds[rtf.KindRTF] < 30 || alike < 190 {
		t.Error("too few bodies were read")
	}
	// One file was damaged on purpose; that it was is told.
	if len(rules) != 1 || rules["rtf.size"] != 1 {
		t.Errorf("broken rules %v", rules)
	}
}
