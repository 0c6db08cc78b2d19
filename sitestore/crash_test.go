package sitestore_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"waybill/failure"
	"waybill/mail"
	"waybill/sitestore"
)

// childSite names the site for a test binary that is started again to be
// killed, and childTask what it does.
const (
	childSite = "SITESTORE_TEST_SITE"
	childTask = "SITESTORE_TEST_TASK"
)

func TestMain(m *testing.M) {
	switch os.Getenv(childTask) {
	case "":
		os.Exit(m.Run())
	case "append":
		exit(childAppend(os.Getenv(childSite)))
	case "hold":
		exit(childHold(os.Getenv(childSite)))
	case "limit":
		exit(childLimit(os.Getenv(childSite)))
	}
}

func exit(err error) {
	if err != nil {
		fmt.Println("error:", failure.ClassOf(err), err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child starts this test binary again.
func child(t *testing.T, task, site string) (*exec.Cmd, *bufio.Scanner, io.WriteCloser) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childTask+"="+task, childSite+"="+site)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out), in
}

// batchSize is how many messages a child appends at once; each carries the
// number of its batch as a keyword.
const batchSize = 7

// childAppend appends batches for ever, and says so before and after each.
func childAppend(path string) error {
	s, err := sitestore.Open(context.Background(), path, sitestore.Options{})
	if err != nil {
		return err
	}
	n, err := s.Session("", "")
	if err != nil {
		return err
	}
	m, err := n.Mailbox(context.Background(), "anna", true)
	if err != nil {
		return err
	}
	for batch := os.Getpid() * 1000; ; batch++ {
		var items []sitestore.Incoming
		for i := range batchSize {
			size := 2000
			if i == 3 {
				size = 1<<20 + 5000
			}
			items = append(items, incoming(body(batch*batchSize+i, size), "batch"+strconv.Itoa(batch)))
		}
		fmt.Println("begin", batch)
		if _, err := m.Append(context.Background(), mail.Inbox, 0, items); err != nil {
			return err
		}
		fmt.Println("done", batch)
	}
}

// TestKilledWhileAppending kills a process at random moments: what it said to
// be done is there, nothing is there in part, and the site is sound.
func TestKilledWhileAppending(t *testing.T) {
	s := newSite(t, "anna")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	done := map[string]bool{}
	kills := 6
	if testing.Short() {
		kills = 2
	}
	for range kills {
		cmd, lines, _ := child(t, "append", s.Path())
		stop := rand.IntN(30) + 1
		for n := 0; lines.Scan(); n++ {
			word, batch, _ := strings.Cut(lines.Text(), " ")
			if word == "done" {
				done["batch"+batch] = true
			}
			if word == "error:" {
				t.Fatal(lines.Text())
			}
			if n == stop {
				// Some time within the next batch: how far it gets is up to
				// the machine.
				for range rand.IntN(20) {
					_, _ = os.Stat(s.Path())
				}
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait()
	}
	if len(done) == 0 {
		t.Fatal("no child finished a batch")
	}
	reader, err := sitestore.Open(t.Context(), s.Path(), sitestore.Options{ReadOnly: true})
	if err != nil {
		t.Fatalf("reading what a killed process left: %v", err)
	}
	sound(t, reader)
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
	s, err = sitestore.Open(t.Context(), s.Path(), sitestore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	m := open(t, s, "", "anna")
	list, err := m.List(t.Context(), mail.Inbox, 1, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, msg := range list {
		counts[msg.Flags.Keywords[0]]++
	}
	for batch, n := range counts {
		if n != batchSize {
			t.Errorf("%s is there with %d of %d messages", batch, n, batchSize)
		}
		delete(done, batch)
	}
	if len(done) > 0 {
		t.Errorf("batches that were reported as durable are gone: %v", done)
	}
	sound(t, s)
	// Leftovers at a segment's end are cut off when it is written again.
	if _, err := m.Append(t.Context(), mail.Inbox, 0, []sitestore.Incoming{incoming(body(1, 5000))}); err != nil {
		t.Fatal(err)
	}
	sound(t, s)
	if h := s.Holders(); len(h) != 1 || !h[0].Self {
		t.Errorf("killed processes still hold the site: %v", h)
	}
}

// childHold holds the index until its input ends.
func childHold(path string) error {
	release, err := sitestore.HoldIndex(path)
	if err != nil {
		return err
	}
	fmt.Println("held")
	_, _ = io.Copy(io.Discard, os.Stdin)
	return release()
}

func TestLockedByAnotherProcess(t *testing.T) {
	s := newSite(t, "anna")
	m := open(t, s, "", "anna")
	cmd, lines, in := child(t, "hold", s.Path())
	if !lines.Scan() || lines.Text() != "held" {
		t.Fatalf("the child says %q", lines.Text())
	}
	one := []sitestore.Incoming{incoming(body(1, 100))}
	_, err := m.Append(t.Context(), mail.Inbox, 0, one)
	if failure.ClassOf(err) != failure.Transient || failure.RuleOf(err) != "site.locked" {
		t.Errorf("answer %v", err)
	}
	if err != nil && !strings.Contains(err.Error(), fmt.Sprintf("process %d", cmd.Process.Pid)) {
		t.Errorf("the holder is not named: %v", err)
	}
	if _, err := m.Folder(t.Context(), mail.Inbox); err != nil {
		t.Errorf("reading is not possible while somebody writes: %v", err)
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Append(t.Context(), mail.Inbox, 0, one); err != nil {
		t.Errorf("the lock is gone: %v", err)
	}
	sound(t, s)
}

func TestDiskFull(t *testing.T) {
	s := newSite(t, "anna")
	cmd, lines, _ := child(t, "limit", s.Path())
	var said []string
	for lines.Scan() {
		said = append(said, lines.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %v", err, said)
	}
	if len(said) == 1 && said[0] == "skip" {
		t.Skip("file sizes cannot be limited here")
	}
	var stored int
	if len(said) != 1 {
		t.Fatalf("the child says %q", said)
	}
	if _, err := fmt.Sscanf(said[0], "stored %d", &stored); err != nil {
		t.Fatalf("the child says %q", said)
	}
	m := open(t, s, "", "anna")
	if f, err := m.Folder(t.Context(), mail.Inbox); err != nil || f.Messages != int64(stored) || stored == 0 {
		t.Errorf("%d messages were stored, %d are there, %v", stored, f.Messages, err)
	}
	sound(t, s)
}

// childLimit appends until files may not grow any more, expects to be told so,
// and reports how many messages were stored.
func childLimit(path string) error {
	s, err := sitestore.Open(context.Background(), path, sitestore.Options{})
	if err != nil {
		return err
	}
	n, err := s.Session("", "")
	if err != nil {
		return err
	}
	m, err := n.Mailbox(context.Background(), "anna", true)
	if err != nil {
		return err
	}
	if !limitFiles(2 << 20) {
		fmt.Println("skip")
		return nil
	}
	for stored := 0; ; stored += 2 {
		_, err := m.Append(context.Background(), mail.Inbox, 0, []sitestore.Incoming{incoming(body(stored, 300_000)), incoming(body(stored+1, 1_200_000))})
		if err == nil {
			continue
		}
		if failure.ClassOf(err) != failure.Full || failure.RuleOf(err) != "site.full" {
			return err
		}
		if f, err := m.Folder(context.Background(), mail.Inbox); err != nil || f.Messages != int64(stored) {
			return fmt.Errorf("stored %d, folder has %d: %w", stored, f.Messages, err)
		}
		fmt.Println("stored", stored)
		return nil
	}
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a b?#%.site")
	opt := sitestore.CreateOptions{Organization: "Ötzi/Söhne", Site: "Nord", Operator: "chief"}
	s, err := sitestore.Create(t.Context(), path, opt)
	if err != nil {
		t.Fatal(err)
	}
	if i := s.Info(); i.Organization != opt.Organization || i.Site != "Nord" || i.Creator != "chief" {
		t.Errorf("info %+v", i)
	}
	if err := session(t, s, "").Logon(t.Context()); err != nil {
		t.Errorf("the creator may not log on: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sitestore.Create(t.Context(), path, opt); failure.ClassOf(err) != failure.Conflict {
		t.Errorf("made a second time: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 {
		t.Errorf("left in the folder: %v, %v", entries, err)
	}
	if _, err := sitestore.Open(t.Context(), path+".not", sitestore.Options{}); failure.ClassOf(err) != failure.Vanished {
		t.Errorf("opened what is not there: %v", err)
	}
}

func TestOtherFilesAreLeftAlone(t *testing.T) {
	database := append([]byte("SQLite format 3\x00"), make([]byte, 4080)...)
	for name, content := range map[string][]byte{"empty": nil, "text": []byte("hello\n"), "mail": body(1, 10000), "database": database} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, readOnly := range []bool{true, false} {
			_, err := sitestore.Open(t.Context(), path, sitestore.Options{ReadOnly: readOnly})
			if failure.RuleOf(err) != "site.not-a-site" || failure.ClassOf(err) != failure.Malformed {
				t.Errorf("%s: %v", name, err)
			}
		}
		if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, content) {
			t.Errorf("%s was changed, %v", name, err)
		}
		if _, err := os.Stat(path + ".d"); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: a folder was made beside it", name)
		}
	}
}
