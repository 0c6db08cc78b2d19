package failure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// all lists every class; classNames has one name for each.
func all() (classes []Class) {
	for c := range classNames {
		classes = append(classes, Class(c))
	}
	return classes
}

func TestNamesOfClasses(t *testing.T) {
	if n := len(classNames); n != int(Cancelled)+1 {
		t.Fatalf("%d names for %d classes", n, Cancelled+1)
	}
	for _, c := range all() {
		if c.String() == "" || ParseClass(c.String()) != c {
			t.Errorf("class %d is called %q, which is read as %d", c, c, ParseClass(c.String()))
		}
	}
	for _, name := range []string{"", "Denied", "denied ", "unknown"} {
		if got := ParseClass(name); got != Internal {
			t.Errorf("%q is read as %s", name, got)
		}
	}
	if got := Class(200).String(); got != "internal" {
		t.Errorf("a class that is none is called %q", got)
	}
}

func TestClassOf(t *testing.T) {
	denied := New(Denied, "append", "anna", "test.denied", fs.ErrNotExist)
	_, missing := os.Open(filepath.Join(t.TempDir(), "missing"))
	for _, c := range []struct {
		name string
		err  error
		want Class
	}{
		{"nothing", nil, Internal},
		{"nobody classified it", errors.New("odd"), Internal},
		{"end of file", io.ErrUnexpectedEOF, Internal},
		{"classified", denied, Denied},
		{"wrapped", fmt.Errorf("open: %w", denied), Denied},
		{"the outermost decides", New(Malformed, "", "", "", denied), Malformed},
		{"and not what is inside", New(Internal, "", "", "", context.Canceled), Internal},
		{"wrapped twice", fmt.Errorf("a: %w", New(Full, "", "", "", fmt.Errorf("b: %w", denied))), Full},
		{"joined", errors.Join(errors.New("odd"), denied), Denied},
		{"the first of those joined", errors.Join(New(Vanished, "", "", "", nil), denied), Vanished},
		{"joined and wrapped", fmt.Errorf("run: %w", errors.Join(nil, denied)), Denied},
		{"two wrapped", fmt.Errorf("%w and %w", io.EOF, denied), Denied},
		{"classified goes before well-known", errors.Join(context.Canceled, denied), Denied},
		{"cancelled", context.Canceled, Cancelled},
		{"out of time", fmt.Errorf("x: %w", context.DeadlineExceeded), Cancelled},
		{"disk full", &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, Full},
		{"over quota", syscall.EDQUOT, Full},
		{"file too big", syscall.EFBIG, Full},
		{"not permitted", syscall.EPERM, Denied},
		{"no access", &fs.PathError{Op: "open", Path: "x", Err: syscall.EACCES}, Denied},
		{"read-only", os.NewSyscallError("rename", syscall.EROFS), Denied},
		{"not there", missing, Vanished},
		{"there already", &os.LinkError{Op: "link", Err: syscall.EEXIST}, Conflict},
		{"not empty", syscall.ENOTEMPTY, Conflict},
		{"again", syscall.EAGAIN, Transient},
		{"interrupted", syscall.EINTR, Transient},
		{"busy", syscall.EBUSY, Transient},
		{"too many files of the process", syscall.EMFILE, Transient},
		{"too many files of the machine", syscall.ENFILE, Transient},
		{"broken hardware", syscall.EIO, Internal},
	} {
		if got := ClassOf(c.err); got != c.want {
			t.Errorf("%s: %v is %s, want %s", c.name, c.err, got, c.want)
		}
	}
}

func TestRetryable(t *testing.T) {
	for _, c := range all() {
		if got, want := c.Retryable(), c == Transient || c == Throttled; got != want {
			t.Errorf("%s: %v", c, got)
		}
	}
}

func TestRuleOf(t *testing.T) {
	inner := New(Denied, "append", "anna", "imap.noperm", nil)
	for _, c := range []struct {
		err  error
		want string
	}{
		{inner, "imap.noperm"},
		{fmt.Errorf("x: %w", inner), "imap.noperm"},
		{New(Full, "", "", "site.full", inner), "site.full"},
		{New(Full, "", "", "", inner), "full"},
		{errors.Join(io.EOF, inner), "imap.noperm"},
		{syscall.ENOSPC, "full"},
		{context.Canceled, "cancelled"},
		{errors.New("odd"), "internal"},
	} {
		if got := RuleOf(c.err); got != c.want {
			t.Errorf("%v breaks %q, want %q", c.err, got, c.want)
		}
	}
}

func TestErrorText(t *testing.T) {
	cause := errors.New("no answer")
	for _, c := range []struct {
		err  *Error
		want string
	}{
		{New(Denied, "append", "anna INBOX", "imap.noperm", cause).WithRemedy("ask"), "append at anna INBOX [imap.noperm]: no answer; ask"},
		{New(Denied, "append", "", "imap.noperm", nil), "append [imap.noperm]"},
		{New(Denied, "", "file.mbox:7", "", nil), "at file.mbox:7"},
		{New(Denied, "", "", "map.empty", nil), "[map.empty]"},
		{New(Denied, "append", "", "", cause), "append: no answer"},
		{New(Denied, "", "", "", cause), "no answer"},
		{New(Denied, "", "", "", nil).WithRemedy("ask"), "ask"},
		{New(Denied, "", "", "", nil), "denied"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("%+v says %q, want %q", *c.err, got, c.want)
		}
	}
	if err := New(Denied, "", "", "", cause); !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
}
