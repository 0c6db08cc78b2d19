package importtext

import (
	"fmt"
	"strconv"
	"strings"
)

// TemplateField is a line of a .TPL file: prompt~start~width~edit~data~internal
// (KB Q87432).
type TemplateField struct {
	Prompt string
	Start  int    // column
	Width  int    // characters
	Edit   string // a set of U, N, L, P and A
	Data   string // the default
	// Internal stands before the value where it is stored.
	Internal string
}

// ParseTemplateField reads a line of a .TPL file, without its line end.
func ParseTemplateField(s string) (f TemplateField, ok bool) {
	parts := strings.Split(s, "~")
	if len(parts) < 5 || len(parts) > 6 || len(s) > 1024 {
		return f, false
	}
	var err1, err2 error
	f.Prompt, f.Edit, f.Data = parts[0], parts[3], parts[4]
	f.Start, err1 = strconv.Atoi(parts[1])
	f.Width, err2 = strconv.Atoi(parts[2])
	if len(parts) == 6 {
		f.Internal = parts[5]
	}
	return f, err1 == nil && err2 == nil && f.Start >= 0 && f.Width >= 0
}

func (f TemplateField) String() string {
	return fmt.Sprintf("%s~%d~%d~%s~%s~%s", f.Prompt, f.Start, f.Width, f.Edit, f.Data, f.Internal)
}

// ParseTemplateRecords reads the text that TEMPLATE.EXE makes of an .INF file (KB
// Q105124): a line prompt:data for each field, "~" for no data, "~~" behind each
// record. The last record may lack its end.
func ParseTemplateRecords(text string) [][]Datum {
	var records [][]Datum
	var record []Datum
	for l := range strings.SplitSeq(text, "\n") {
		l = strings.TrimRight(l, "\r\x1a")
		if strings.TrimRight(l, " ") == "~~" {
			records, record = append(records, record), nil
			continue
		}
		prompt, value, found := strings.Cut(l, ":")
		if !found {
			continue
		}
		if value == "~" {
			value = ""
		}
		record = append(record, Datum{prompt + ":", value})
	}
	if record != nil {
		records = append(records, record)
	}
	return records
}
