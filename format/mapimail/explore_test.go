package mapimail

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/mail"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/mime"
	"waybill/format/msg"
	"waybill/format/pst"
	"waybill/format/tnef"
)

func TestExplore(t *testing.T) {
	root := os.Getenv("EXPLORE")
	if root == "" {
		t.Skip()
	}
	out := os.Getenv("OUT")
	counts := map[string]int{}
	examples := map[string][]string{}
	var convertTime, readTime time.Duration
	var total int64
	n := 0
	one := func(where string, m mapi.Message) {
		n++
		start := time.Now()
		got, err := Convert(t.Context(), m, Options{Where: where})
		convertTime += time.Since(start)
		if err != nil {
			counts["ERR "+failure.RuleOf(err)]++
			examples["ERR "+failure.RuleOf(err)] = append(examples["ERR "+failure.RuleOf(err)], where+" "+err.Error())
			return
		}
		start = time.Now()
		b, err := io.ReadAll(got.Open(t.Context()))
		readTime += time.Since(start)
		total += int64(len(b))
		if err != nil {
			counts["READ "+failure.RuleOf(err)]++
			examples["READ "+failure.RuleOf(err)] = append(examples["READ "+failure.RuleOf(err)], where+" "+err.Error())
		}
		for _, note := range got.Notes {
			counts["note "+note.Kind]++
			examples["note "+note.Kind] = append(examples["note "+note.Kind], note.Text)
		}
		counts["class "+got.Class]++
		if _, err := mail.ReadMessage(bytes.NewReader(b)); err != nil {
			counts["NETMAIL"]++
			examples["NETMAIL"] = append(examples["NETMAIL"], where+" "+err.Error())
		}
		r := mime.NewReader(bytes.NewReader(b))
		for {
			p, err := r.Next()
			if err != nil {
				break
			}
			for _, d := range p.Defects {
				counts["DEFECT "+d]++
				examples["DEFECT "+d] = append(examples["DEFECT "+d], fmt.Sprint(n, " ", where))
			}
		}
		if out != "" {
			_ = os.WriteFile(filepath.Join(out, fmt.Sprintf("%05d.eml", n)), b, 0o644)
			_ = os.WriteFile(filepath.Join(out, fmt.Sprintf("%05d.txt", n)), []byte(fmt.Sprint(where, "\n", got.Class, "\n", got.Flags, "\n", got.InternalDate, "\n", got.Notes)), 0o644)
		}
	}
	_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil
		}
		f, err := os.Open(path)
		if err != nil {
			return nil
		}
		defer f.Close()
		st, _ := f.Stat()
		name := strings.TrimPrefix(path, root)
		switch {
		case strings.HasSuffix(path, ".pst"), strings.HasSuffix(path, ".ost"):
			file, err := pst.Open(context.Background(), f, st.Size(), name, pst.Options{})
			if err != nil {
				counts["OPEN"]++
				return nil
			}
			folders, _ := file.Folders(t.Context())
			for _, fo := range folders {
				if fo.Search {
					continue
				}
				for it, err := range file.Items(t.Context(), fo.NID) {
					if err != nil || it.Associated {
						continue
					}
					m, err := file.Message(t.Context(), it.NID)
					if err != nil {
						counts["MESSAGE "+failure.RuleOf(err)]++
						continue
					}
					one(fmt.Sprintf("%s:%v", name, it.NID), m)
				}
			}
		case strings.HasSuffix(path, ".msg"):
			m, err := msg.Open(f, st.Size(), name)
			if err != nil {
				counts["OPEN msg"]++
				examples["OPEN msg"] = append(examples["OPEN msg"], err.Error())
				return nil
			}
			one(name, m)
		default:
			m, err := tnef.Open(t.Context(), f, st.Size(), name)
			if err != nil {
				counts["OPEN tnef"]++
				return nil
			}
			one(name, m)
		}
		return nil
	})
	var keys []string
	for k := range counts {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		fmt.Println(counts[k], k)
		for i, e := range examples[k] {
			if i < 4 {
				fmt.Printf("      %.250s\n", e)
			}
		}
	}
	fmt.Println(n, "messages,", total>>20, "MB, convert", convertTime, "read", readTime)
}
