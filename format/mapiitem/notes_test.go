package mapiitem

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"waybill/format/mapi"
)

// TestNotesAreExplained finds every kind of note in docs/outlook-items.md.
func TestNotesAreExplained(t *testing.T) {
	manual, err := os.ReadFile(filepath.Join("..", "..", "docs", "outlook-items.md"))
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	kind := regexp.MustCompile(`\bnote\("([a-z-]+)"`)
	found := 0
	for _, name := range sources {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range kind.FindAllSubmatch(b, -1) {
			found++
			if !strings.Contains(string(manual), "`"+string(m[1])+"`") {
				t.Errorf("%s: the manual does not explain %s", name, m[1])
			}
		}
	}
	if found < 40 {
		t.Errorf("%d notes in the source", found)
	}
}

// stored is RTF in its form without compression ([MS-OXRTFCP] 2.1.3.1.2).
func stored(rtf string) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(rtf)+12))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(rtf)))
	b = append(b, "MELA\x00\x00\x00\x00"...)
	return append(b, rtf...)
}

func TestRichText(t *testing.T) {
	for name, c := range map[string]struct {
		pairs []any
		want  []string
		kinds []string
	}{
		"HTML in RTF": {[]any{mapi.RTFCompressed, stored(`{\rtf1\ansi\ansicpg1252\fromhtml1 {\*\htmltag64 <b>}Gr\'fc\'dfe{\*\htmltag64 </b>}}`)},
			[]string{"X-ALT-DESC;FMTTYPE=text/html:<b>Grüße</b>", "DESCRIPTION:Grüße"}, nil},
		"RTF alone":     {[]any{mapi.RTFCompressed, stored(`{\rtf1\ansi\ansicpg1252 {\b fett} und mager\par}`)}, []string{"DESCRIPTION:fett und mager"}, []string{"formatting-left-out"}},
		"text and RTF":  {[]any{mapi.Body, "fett", mapi.RTFCompressed, stored(`{\rtf1\ansi {\b fett}}`)}, []string{"DESCRIPTION:fett"}, []string{"formatting-left-out"}},
		"empty RTF":     {[]any{mapi.RTFCompressed, stored(`{\rtf1\ansi\par}`)}, nil, nil},
		"RTF cut off":   {[]any{mapi.RTFCompressed, stored(`{\rtf1\ansi halb ist da`)}, []string{"DESCRIPTION:halb ist da"}, []string{"body-damaged", "formatting-left-out"}},
		"rubbish":       {[]any{mapi.RTFCompressed, []byte("no RTF at all, just bytes")}, nil, []string{"body-damaged"}},
		"follow-up":     {[]any{flagStatus, 2, comm(0x8530), "Anrufen"}, nil, []string{"properties-left-out"}},
		"white space":   {[]any{mapi.Body, " \r\n\t"}, nil, nil},
		"old code page": {[]any{mapi.InternetCodepage, 1251, mapi.HTML, []byte("\xcf\xf0\xe8\xe2\xe5\xf2")}, []string{"DESCRIPTION:Привет"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			i, text := convert(t, newMaker().item("IPM.StickyNote", append([]any{mapi.Subject, "S"}, c.pairs...)...), Options{})
			unfolded := strings.ReplaceAll(text, "\r\n ", "")
			for _, want := range c.want {
				if !strings.Contains(unfolded, want) {
					t.Errorf("no %q in\n%s", want, unfolded)
				}
			}
			if c.want == nil && strings.Contains(text, "DESC") {
				t.Error(text)
			}
			if kinds := noteKinds(i); !slices.Equal(kinds, c.kinds) {
				t.Errorf("notes %v", i.Notes)
			}
		})
	}
}
