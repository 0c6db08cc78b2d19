package pst

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"waybill/format/mapi"
)

// described is what pffexport writes of a message.
type described struct {
	subject, sender, address string
	submitted, delivered     string
}

// TestAgainstPffexport compares messages and the bytes of attachments with those
// that pffexport exports.
func TestAgainstPffexport(t *testing.T) {
	tool, err := exec.LookPath("pffexport")
	if err != nil {
		t.Skip("there is no pffexport; the package pff-tools has it")
	}
	_, files := collection(t)
	compared, bytes := 0, 0
	for _, path := range files {
		f, err := open(t, path, Options{})
		if err != nil {
			continue // TestRealFiles tells
		}
		t.Run(filepath.Base(path), func(t *testing.T) {
			// It knows no code page by itself.
			page := "windows-" + strconv.Itoa(f.Info().CodePage)
			out := filepath.Join(t.TempDir(), "x")
			cmd := exec.CommandContext(t.Context(), tool, "-q", "-m", "items", "-f", "text", "-c", page, "-t", out, path)
			_ = cmd.Run() // it fails on single items, and says so in its log only
			theirs, sums := exported(t, out+".export")
			ours, contents := decoded(t, f)
			for d, n := range theirs {
				if ours[d] < n {
					t.Errorf("pffexport has %d times %+v, and we %d times", n, d, ours[d])
				}
				compared += n
			}
			for sum, n := range sums {
				if contents[sum] < n {
					t.Errorf("pffexport has %d attachments %s, and we %d", n, sum, contents[sum])
				}
				bytes += n
			}
		})
	}
	t.Logf("%d messages and %d attachments are the same", compared, bytes)
	if compared < 300 || bytes < 1300 {
		t.Error("pffexport gave too little to compare")
	}
}

// exported reads what pffexport wrote.
func exported(t *testing.T, dir string) (map[described]int, map[string]int) {
	t.Helper()
	all, sums := map[described]int{}, map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		switch {
		case d.Name() == "OutlookHeaders.txt":
			all[headers(t, path)]++
		case filepath.Base(filepath.Dir(path)) == "Attachments":
			r, err := os.Open(path)
			if err != nil {
				return err
			}
			defer r.Close()
			sums[sum(t, r)]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all, sums
}

// headers reads OutlookHeaders.txt.
func headers(t *testing.T, path string) (d described) {
	t.Helper()
	r, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for s := bufio.NewScanner(r); s.Scan(); {
		name, value, _ := strings.Cut(s.Text(), ":")
		value = strings.TrimSpace(value)
		switch name {
		case "Subject":
			d.subject = value
		case "Sender name":
			d.sender = value
		case "Sender email address":
			d.address = value
		case "Client submit time":
			d.submitted = value
		case "Delivery time":
			d.delivered = value
		}
	}
	return d
}

func sum(t *testing.T, r io.Reader) string {
	t.Helper()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		t.Error(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// decoded reads the same with this package, embedded messages included.
func decoded(t *testing.T, f *File) (map[described]int, map[string]int) {
	t.Helper()
	all, sums := map[described]int{}, map[string]int{}
	var take func(mapi.Message)
	take = func(m mapi.Message) {
		all[describe(m.Props())]++
		list, err := m.Attachments(t.Context())
		if err != nil {
			t.Error(err)
		}
		for _, a := range list {
			inner, err := a.Message(t.Context())
			if err != nil {
				t.Error(err)
			}
			if inner != nil {
				take(inner)
				continue
			}
			v, ok := a.Props().Get(mapi.AttachData)
			if !ok || v.Data == nil {
				continue
			}
			r, err := v.Data.Open()
			if err != nil {
				t.Error(err)
				continue
			}
			sums[sum(t, r)]++
			_ = r.Close()
		}
	}
	everything(t.Context(), t, f, func(_ Folder, _ Item, m *Message) { take(m) })
	return all, sums
}

func describe(p *mapi.Props) described {
	when := func(id mapi.ID) string {
		at, ok := p.Time(id)
		if !ok {
			return ""
		}
		return at.Format("Jan 02, 2006 15:04:05") + at.Format(".000000000") + " " + time.UTC.String()
	}
	text := func(id mapi.ID) string {
		s, _, _ := strings.Cut(p.Text(id), "\n")
		return strings.TrimSpace(strings.TrimRight(s, "\r"))
	}
	return described{text(mapi.Subject), text(mapi.SenderName), text(mapi.SenderEmailAddress), when(mapi.ClientSubmitTime), when(mapi.MessageDeliveryTime)}
}
