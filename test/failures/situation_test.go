package failures

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"waybill/internal/postoffice"
)

// check ends the script on an error.
func check(ts *testscript.TestScript, err error) {
	if err != nil {
		ts.Fatalf("%v", err)
	}
}

// makeMail puts messages into a Maildir: mail DIR USER NUMBER [FOLDER [FLAGS]].
func makeMail(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: mail DIR USER NUMBER [FOLDER [FLAGS]]")
	}
	n, err := strconv.Atoi(args[2])
	check(ts, err)
	folder, flags := "", "S"
	if len(args) > 3 {
		folder = args[3]
	}
	if len(args) > 4 {
		flags = args[4]
	}
	dir := filepath.Join(ts.MkAbs(args[0]), args[1], folder)
	for _, sub := range []string{"cur", "new", "tmp"} {
		check(ts, os.MkdirAll(filepath.Join(dir, sub), 0o755))
	}
	for i := range n {
		name := filepath.Join(dir, "cur", fmt.Sprintf("9%08d.M%dP7.kogge:2,%s", i, i, flags))
		text := fmt.Sprintf("From: %s@example.org\r\nSubject: %s %d\r\nDate: Fri, 14 Mar 1997 09:30:00 +0000\r\n\r\nharbour\r\n", args[1], folder, i)
		check(ts, os.WriteFile(name, []byte(text), 0o644))
		when := time.Unix(858_331_800+int64(i)*3600, 0)
		check(ts, os.Chtimes(name, when, when))
	}
}

// untouched makes sure that a tree is at the end of the script as it is now:
// names, bytes and times. A source is never written to.
func untouched(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: untouched DIR")
	}
	dir := ts.MkAbs(args[0])
	before, err := fingerprint(dir)
	check(ts, err)
	ts.Defer(func() {
		if after, err := fingerprint(dir); err != nil || after != before {
			ts.Fatalf("the source %s was written to (%v)", args[0], err)
		}
	})
}

func fingerprint(dir string) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintln(h, path, info.Mode(), info.Size(), info.ModTime().UnixNano())
		if !info.Mode().IsRegular() {
			return nil
		}
		b, err := os.ReadFile(path)
		h.Write(b)
		return err
	})
	return fmt.Sprintf("%x", h.Sum(nil)), err
}

// raw appends bytes to a file, times over: raw FILE 'A\x81B\r\n' [TIMES].
func raw(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: raw FILE BYTES [TIMES]")
	}
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(args[1], `"`, `\"`) + `"`)
	check(ts, err)
	times := 1
	if len(args) > 2 {
		times, err = strconv.Atoi(args[2])
		check(ts, err)
	}
	path := ts.MkAbs(args[0])
	old, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		check(ts, err)
	}
	check(ts, os.MkdirAll(filepath.Dir(path), 0o755))
	check(ts, os.WriteFile(path, append(old, strings.Repeat(text, times)...), 0o644))
}

// subst replaces text in a file; it has to be there: subst FILE OLD NEW.
func subst(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: subst FILE OLD NEW")
	}
	path := ts.MkAbs(args[0])
	b, err := os.ReadFile(path)
	check(ts, err)
	var parts [2]string
	for i, a := range args[1:] {
		parts[i], err = strconv.Unquote(`"` + strings.ReplaceAll(a, `"`, `\"`) + `"`)
		check(ts, err)
	}
	if !bytes.Contains(b, []byte(parts[0])) {
		ts.Fatalf("%s does not contain %q", args[0], parts[0])
	}
	check(ts, os.WriteFile(path, bytes.ReplaceAll(b, []byte(parts[0]), []byte(parts[1])), 0o644))
}

var (
	sectionLine = regexp.MustCompile(`(?m)^(Body|Attachment|Schedule|Document|Other),`)
	pointer     = regexp.MustCompile(`\(@([0-9]+)\)`)
)

// office makes a set of migration files whole: it writes the packing list for the
// .pri and .sec files of a directory, a secondary file with one body if there is
// none, and the offsets of sections, which the .pri files name (@1), (@2) and so
// on: office DIR [CODEPAGE].
func office(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: office DIR [CODEPAGE]")
	}
	dir, page := ts.MkAbs(args[0]), "1252"
	if len(args) > 1 {
		page = args[1]
	}
	sec := filepath.Join(dir, "office.sec")
	b, err := os.ReadFile(sec)
	if os.IsNotExist(err) {
		b = []byte("Type,Length,Encoding,Islast,Name,Position,Format\nBody,5,,TRUE,,,\nhello\n")
		err = os.WriteFile(sec, b, 0o644)
	}
	check(ts, err)
	sections := sectionLine.FindAllIndex(b, -1)
	primaries, err := filepath.Glob(filepath.Join(dir, "*.pri"))
	check(ts, err)
	list := page + "\r\n\r\n"
	for _, path := range primaries {
		list += filepath.Base(path) + "\r\n"
		pri, err := os.ReadFile(path)
		check(ts, err)
		pri = pointer.ReplaceAllFunc(pri, func(m []byte) []byte {
			n, err := strconv.Atoi(string(m[2 : len(m)-1]))
			if err != nil || n < 1 || n > len(sections) {
				ts.Fatalf("%s: no section %s", path, m)
			}
			return fmt.Appendf(nil, "(%d)", sections[n-1][0])
		})
		check(ts, os.WriteFile(path, pri, 0o644))
	}
	check(ts, os.WriteFile(filepath.Join(dir, "office.pkl"), []byte(list+"office.sec\r\n"), 0o644))
}

// makePostoffice writes a Microsoft Mail postoffice, with kinds of damage by
// their names: postoffice DIR [DAMAGE...].
func makePostoffice(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: postoffice DIR [DAMAGE...]")
	}
	files, manifest, err := postoffice.Build(postoffice.Options{Seed: 7})
	check(ts, err)
	for _, name := range args[1:] {
		done := false
		for _, c := range postoffice.Corruptions() {
			if c.Name == name {
				_, err := c.Inject(files, manifest)
				check(ts, err)
				done = true
			}
		}
		if !done {
			ts.Fatalf("no damage is called %q", name)
		}
	}
	check(ts, files.WriteTo(ts.MkAbs(args[0])))
}
