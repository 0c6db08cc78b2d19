package msg

import (
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/format/mapi"
	"waybill/internal/corpus"
)

// TestCountsAsMsgreader compares class, recipients, attachments and embedded messages with
// what msgreader, a library for JavaScript, found in the same files.
func TestCountsAsMsgreader(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of files")
	}
	dir := corpus.Dir(t, "msg")
	f, err := os.Open(filepath.Join(filepath.Dir(dir), "GROUNDTRUTH.csv"))
	if err != nil {
		t.Skipf("what other programs found is not there: %v", err)
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord, r.LazyQuotes = -1, true
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	const toolColumn, attachmentsColumn, exitColumn = 5, 11, 13
	compared := 0
	for _, row := range rows {
		if len(row) < 17 || row[1] != "msg" || !strings.HasPrefix(row[toolColumn], "@kenjiuno/msgreader") || row[exitColumn] != "0" {
			continue
		}
		path := filepath.Join(filepath.Dir(dir), row[0])
		if _, err := os.Stat(path); err != nil {
			continue // kept apart
		}
		m, err := open(t, path)
		if err != nil {
			t.Errorf("%s: %v", row[0], err)
			continue
		}
		recipients, _ := m.Recipients(t.Context())
		attachments, _ := m.Attachments(t.Context())
		embedded := 0
		for _, a := range attachments {
			if e, _ := a.Message(t.Context()); e != nil {
				embedded++
			}
		}
		compared++
		ours := fmt.Sprintf("class=%s; recipients=%d; embedded=%d; attachments=%s", m.Props().Text(mapi.MessageClass), len(recipients), embedded, fmt.Sprint(len(attachments)))
		words := strings.Split(row[16], "; ")
		if strings.HasSuffix(row[0], "MSG file with RTF Formatting.msg") {
			words[2] = "embedded=0" // it takes an object of OLE (AttachMethod 6, a packed file) for a message
		}
		if theirs := strings.Join(words[:min(3, len(words))], "; ") + "; attachments=" + row[attachmentsColumn]; ours != theirs {
			t.Errorf("%s: %s, msgreader has %s", row[0], ours, theirs)
		}
	}
	t.Logf("%d files compared", compared)
	if compared < 150 {
		t.Errorf("only %d files were compared", compared)
	}
}
