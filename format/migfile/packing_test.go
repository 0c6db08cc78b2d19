package migfile

import (
	"slices"
	"strings"
	"testing"

	"waybill/failure"
)

func TestReadPackingList(t *testing.T) {
	tests := []struct {
		name, in string
		page     int
		files    []string
		rule     string
	}{
		{"documented", "850\r\n\r\nDIRECTORY.PRI\r\n00000001.PRI\r\n00000001.SEC\r\n", 850, []string{"DIRECTORY.PRI", "00000001.PRI", "00000001.SEC"}, ""},
		{"comment first", "! CodePage\r\n1252\r\n\r\na.pri\r\n", 1252, []string{"a.pri"}, ""},
		{"two in a line, no last line end", "1252\n\na.pri,a.sec\n\"b.pri\",b.sec", 1252, []string{"a.pri", "a.sec", "b.pri", "b.sec"}, ""},
		{"CR alone", "1252\r\ra.pri\r", 1252, []string{"a.pri"}, ""},
		{"path and stranger", "1252\r\n\r\nC:\\OUT\\a.pri\r\nreadme.txt\r\n", 1252, []string{"a.pri"}, ""},
		{"byte order mark", "\ufeff65001\r\n\r\na.pri\r\n", 65001, []string{"a.pri"}, ""},
		{"no number", "a.pri\r\n", 0, nil, "migfile.packing-code-page"},
		{"empty", "", 0, nil, "migfile.packing-code-page"},
		{"unknown page", "4711\r\n\r\na.pri\r\n", 0, nil, "migfile.code-page"},
		{"no files", "850\r\n\r\n", 0, nil, "migfile.packing-empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			list, err := ReadPackingList(strings.NewReader(tt.in), "x.pkl")
			if tt.rule != "" {
				if failure.RuleOf(err) != tt.rule {
					t.Fatalf("got %v, want rule %s", err, tt.rule)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if list.CodePage.Number != tt.page || !slices.Equal(list.Files, tt.files) {
				t.Errorf("got %d %q", list.CodePage.Number, list.Files)
			}
			var b strings.Builder
			if _, err := list.WriteTo(&b); err != nil {
				t.Fatal(err)
			}
			again, err := ReadPackingList(strings.NewReader(b.String()), "x.pkl")
			if err != nil || !slices.Equal(again.Files, list.Files) {
				t.Errorf("written and read again: %q, %v", again.Files, err)
			}
		})
	}
}

func FuzzPackingList(f *testing.F) {
	f.Add([]byte("! x\r\n850\r\n\r\nA.PRI\r\nA.SEC\r\n"))
	f.Add([]byte("65001\n\n\"a,b.pri\",c.sec"))
	f.Fuzz(func(t *testing.T, in []byte) {
		list, err := ReadPackingList(strings.NewReader(string(in)), "x.pkl")
		if err != nil {
			if failure.ClassOf(err) == failure.Internal {
				t.Fatalf("unclassified: %v", err)
			}
			return
		}
		for _, name := range list.Files {
			if strings.ContainsAny(name, `/\:`) {
				t.Fatalf("name %q leads elsewhere", name)
			}
		}
	})
}
