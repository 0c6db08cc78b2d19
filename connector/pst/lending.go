package pst

import (
	"context"
	"sync"
)

// lender lets the handles on one mailbox share its open files, and with them what
// was read of trees and folders. The zero value is ready.
type lender struct {
	mu   sync.Mutex
	open map[string]*archive // by path
}

// lend opens a file, or gives the one that is open already if it did not change
// since. Each needs a giveBack.
func (l *lender) lend(ctx context.Context, at located, o options) (*archive, error) {
	l.mu.Lock()
	if a := l.open[at.path]; a != nil && a.located == at && a.changed() == nil {
		a.users++
		l.mu.Unlock()
		return a, nil
	}
	l.mu.Unlock()
	// Opening may take long, and the others need not wait for it.
	a, err := openArchive(ctx, at, o)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil {
		l.open = map[string]*archive{}
	}
	a.users = 1
	l.open[at.path] = a
	return a, nil
}

// giveBack closes a file when nobody uses it any more.
func (l *lender) giveBack(a *archive) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a.users--; a.users > 0 {
		return nil
	}
	if l.open[a.path] == a {
		delete(l.open, a.path)
	}
	return a.close()
}
