// Package failure gives every error of Waybill a class. The class, and nothing
// else, decides whether an operation is tried again, how the waybill counts
// the item, and which exit code the program ends with.
package failure

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"time"
)

// Class says what kind of trouble an error is.
type Class uint8

// The classes. The zero value is Internal: an error that nobody classified is
// our fault until shown otherwise.
const (
	Internal    Class = iota // a rule of our own program is broken
	Transient                // the same call may succeed later
	Throttled                // the other side asks to wait; see Error.RetryAfter
	Denied                   // a right is missing
	TooLarge                 // over a limit of size, number or depth
	Malformed                // input breaks a rule of its format
	Vanished                 // was listed, is not there any more
	Full                     // no space left, or over quota
	Conflict                 // exists already, is locked, or is ambiguous
	Unsupported              // the system cannot do or hold this
	Usage                    // the caller asked for something impossible
	Cancelled                // somebody stopped us
)

var classNames = [...]string{"internal", "transient", "throttled", "denied", "too-large", "malformed",
	"vanished", "full", "conflict", "unsupported", "usage", "cancelled"}

func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "internal"
}

// ParseClass is the inverse of String; unknown names are Internal.
func ParseClass(s string) Class {
	for i, n := range classNames {
		if n == s {
			return Class(i)
		}
	}
	return Internal
}

// Retryable reports whether the same operation may succeed when it is simply
// tried again after a pause.
func (c Class) Retryable() bool { return c == Transient || c == Throttled }

// Error is an error with its class, its place and its way out.
type Error struct {
	Class  Class
	Op     string // what was being done: "append message"
	Where  string // file and offset, or folder and UID
	Rule   string // stable name of the rule that broke: "mbox.truncated"
	Remedy string // what the operator can do; may be empty
	// RetryAfter is how long the other side asked us to wait (Throttled only).
	RetryAfter time.Duration
	Err        error // the cause; may be nil
}

// New makes an error of class c that broke rule at where.
func New(c Class, op, where, rule string, err error) *Error {
	return &Error{Class: c, Op: op, Where: where, Rule: rule, Err: err}
}

// WithRemedy adds what the operator can do about it.
func (e *Error) WithRemedy(remedy string) *Error { e.Remedy = remedy; return e }

func (e *Error) Error() string {
	var b strings.Builder
	add := func(separator, text string) {
		if b.Len() > 0 {
			b.WriteString(separator)
		}
		b.WriteString(text)
	}
	add("", e.Op)
	if e.Where != "" {
		add(" ", "at "+e.Where)
	}
	if e.Rule != "" {
		add(" ", "["+e.Rule+"]")
	}
	if e.Err != nil {
		add(": ", e.Err.Error())
	}
	if e.Remedy != "" {
		add("; ", e.Remedy)
	}
	if b.Len() == 0 {
		return e.Class.String()
	}
	return b.String()
}

func (e *Error) Unwrap() error { return e.Err }

// ClassOf finds the class of err: the outermost *Error decides, then well-known
// errors of the operating system, then Internal. ClassOf(nil) is Internal.
func ClassOf(err error) Class {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Class
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Cancelled
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), errors.Is(err, syscall.EFBIG):
		return Full
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return Denied
	case errors.Is(err, fs.ErrNotExist):
		return Vanished
	case errors.Is(err, fs.ErrExist):
		return Conflict
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR), errors.Is(err, syscall.EBUSY), errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return Transient
	}
	return Internal
}

// RuleOf finds the rule that err broke; it falls back to the class's name.
func RuleOf(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Rule != "" {
		return e.Rule
	}
	return ClassOf(err).String()
}
