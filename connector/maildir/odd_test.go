//go:build unix

package maildir

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/failure"
	"waybill/mail"
)

func TestCompressedMessages(t *testing.T) {
	var z strings.Builder
	w := gzip.NewWriter(&z)
	_, _ = w.Write([]byte("the message"))
	_ = w.Close()
	packed := z.String()
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"anna/cur/1.a,S=11:2,S": packed, "anna/cur/2.a:2,SZ": packed, "anna/cur/3.a:2,": packed, "anna/cur/4.a,S=11:2,": packed[:20],
		"anna/cur/5.a,S=99:2,": "not compressed", "anna/cur/6.a,S=99:2,": "\xfd7zXZ\x00...", fmt.Sprintf("anna/cur/7.a,S=%d:2,", len(packed)): packed, "anna/cur/8.a:2,": "BZh: x",
	})
	var got []string
	box := openBox(t, dir, "anna")
	for m, err := range box.Messages(t.Context(), mail.Inbox) {
		if err != nil {
			t.Fatal(err)
		}
		body, err := read(t, box, mail.Inbox, m)
		if err != nil {
			body = failure.RuleOf(err)
		}
		got = append(got, fmt.Sprint(m.Size, " ", body))
	}
	want := []string{"-1 the message", "-1 the message", fmt.Sprint(len(packed), " maildir.compressed-unmarked"), "-1 maildir.compressed-damaged", "-1 not compressed", "-1 maildir.compression",
		fmt.Sprint(len(packed), " the message"), "6 BZh: x"}
	if !slices.Equal(got, want) {
		t.Errorf("messages are %q, want %q", got, want)
	}
	loc, _ := connector.ParseLocation("maildir:" + dir + "?compressed=1")
	s, err := Source(t.Context(), loc)
	if err != nil {
		t.Fatal(err)
	}
	if box, err = s.Mailbox(t.Context(), "anna"); err != nil {
		t.Fatal(err)
	}
	if body, err := read(t, box, mail.Inbox, mail.Message{Key: "3.a"}); body != "the message" {
		t.Errorf("with ?compressed=1 the unmarked message is %q, %v", body, err)
	}
}

func TestUnreadableFolderIsListed(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may read everything")
	}
	dir := t.TempDir()
	write(t, dir, map[string]string{"anna/cur/": "", "anna/.Shut/cur/1.a": "x"})
	if err := os.Chmod(filepath.Join(dir, "anna/.Shut/cur"), 0); err != nil {
		t.Fatal(err)
	}
	box := openBox(t, dir, "anna")
	for m, err := range box.Messages(t.Context(), "Shut") {
		if m.Key != "" || failure.ClassOf(err) != failure.Denied {
			t.Errorf("message %q, %v", m.Key, err)
		}
	}
}

func TestWrongLocations(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, map[string]string{"file": "x", "one/cur/": ""})
	for _, where := range []string{dir + "/gone", dir + "/file", dir + "?names=latin1", dir + "?layout=x", dir + "?colour=red", dir + "?compressed=x"} {
		loc, err := connector.ParseLocation("maildir:" + where)
		if err != nil {
			t.Fatal(err)
		}
		var fe *failure.Error
		if _, err := Source(t.Context(), loc); !errors.As(err, &fe) || fe.Remedy == "" {
			t.Errorf("Source(%s) gives %v", where, err)
		}
	}
	for _, where := range []string{dir + "/file", dir + "/one", dir + "?layout=fs"} {
		loc, _ := connector.ParseLocation("maildir:" + where)
		if _, err := Target(t.Context(), loc); failure.ClassOf(err) != failure.Usage {
			t.Errorf("Target(%s) gives %v", where, err)
		}
	}
}

func TestNothingIsWrittenThroughSymlinks(t *testing.T) {
	dir, elsewhere := t.TempDir(), t.TempDir()
	write(t, elsewhere, map[string]string{"cur/": "", "new/": "", "tmp/": "", "box/cur/": "", "box/new/": "", "box/tmp/": ""})
	write(t, dir, map[string]string{"bert/cur/": "", "bert/new/": "", "bert/tmp/": ""})
	for link, to := range map[string]string{"anna": elsewhere, "bert/.Sub": elsewhere + "/box", "bert/.Part": elsewhere} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	ctx := context.Background()
	target, err := Target(ctx, connector.Location{Scheme: scheme, Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := target.Mailbox(ctx, "anna"); failure.ClassOf(err) != failure.Denied {
		t.Errorf("the mailbox behind a symlink gives %v", err)
	}
	box, err := target.Mailbox(ctx, "bert")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = box.Close() }()
	at, err := box.Position(ctx, "Sub")
	if err == nil {
		_, err = box.Append(ctx, "Sub", at, items(samples()[:1]))
	}
	if failure.ClassOf(err) != failure.Denied {
		t.Errorf("the folder behind a symlink gives %v", err)
	}
	// A source follows what an administrator laid there.
	if _, err := open(t, dir, "").Mailbox(ctx, "anna"); err != nil {
		t.Errorf("as a source it gives %v", err)
	}
}
