// Package check holds what all cases of the conformance suite need: a test with a
// context that ends, judgements of errors, and snapshots of directories.
package check

import (
	"context"
	"io"
	"iter"
	"strings"
	"testing"

	"waybill/failure"
	"waybill/mail"
)

// Case is one case of the suite while it runs.
type Case struct {
	*testing.T
	Ctx context.Context
	// closed are those that need no closing any more.
	closed map[io.Closer]bool
}

// NewCase makes a Case that ends with t.
func NewCase(ctx context.Context, t *testing.T) *Case {
	return &Case{T: t, Ctx: ctx, closed: map[io.Closer]bool{}}
}

// CloseOnce closes what is not closed yet.
func (c *Case) CloseOnce(op string, closer io.Closer) {
	c.Helper()
	if !c.closed[closer] {
		c.closed[closer] = true
		c.Check(op, closer.Close())
	}
}

// Drop lets go of something without closing it, as a crash does. It is closed at
// the end of the case, when nobody looks any more.
func (c *Case) Drop(closer io.Closer) {
	if closer != nil && !c.closed[closer] {
		c.closed[closer] = true
		c.Cleanup(func() { _ = closer.Close() })
	}
}

// Must ends the case when err is not nil.
func (c *Case) Must(op string, err error) {
	c.Helper()
	if err != nil {
		c.Class(op, err)
		c.Fatalf("%s: %v", op, err)
	}
}

// Check fails the case when err is not nil, and goes on.
func (c *Case) Check(op string, err error) {
	c.Helper()
	if err != nil {
		c.Class(op, err)
		c.Errorf("%s: %v", op, err)
	}
}

// Class fails the case when err has no class of its own.
func (c *Case) Class(op string, err error) {
	c.Helper()
	if failure.ClassOf(err) == failure.Internal {
		c.Errorf("%s: error has class %s: %v", op, failure.Internal, err)
	}
}

// WantClass fails the case unless err is of the class.
func (c *Case) WantClass(op string, err error, class failure.Class) {
	c.Helper()
	if err == nil {
		c.Errorf("%s: no error, want one of class %s", op, class)
	} else if got := failure.ClassOf(err); got != class {
		c.Errorf("%s: error of class %s, want %s: %v", op, got, class, err)
	}
}

// Ordered checks that each folder is listed once and after its parent, which a
// system that ignores case may spell in another way.
func (c *Case) Ordered(list []mail.Folder) {
	c.Helper()
	seen, parents := map[mail.Path]bool{}, map[string]bool{}
	for _, f := range list {
		if seen[f.Path] {
			c.Errorf("folder %q is listed twice", f.Path)
		}
		if parent := f.Path.Parent(); parent != "" && !parents[strings.ToLower(string(parent))] {
			c.Errorf("folder %q is listed, and its parent is not listed before it", f.Path)
		}
		seen[f.Path], parents[strings.ToLower(string(f.Path))] = true, true
	}
}

// Paths are the paths of folders, in their order.
func Paths(list []mail.Folder) []mail.Path {
	all := make([]mail.Path, len(list))
	for i, f := range list {
		all[i] = f.Path
	}
	return all
}

// Collect takes all values of a listing, up to its first error.
func Collect[T any](seq iter.Seq2[T, error]) ([]T, error) {
	var list []T
	for v, err := range seq {
		if err != nil {
			return list, err
		}
		list = append(list, v)
	}
	return list, nil
}
