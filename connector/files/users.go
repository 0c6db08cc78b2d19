package files

import (
	"context"
	"errors"
	"iter"
	"path/filepath"

	"waybill/directory"
	"waybill/failure"
)

// Users yields the users of a source. What check says against a user's directory
// is that user's error, so that nobody is left behind unseen.
func (a Accounts) Users(ctx context.Context, check func(UserDir) error) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		a.each(ctx, "users", yield, func(u UserDir) error {
			if u.Twice {
				return failure.New(failure.Conflict, "list users", filepath.Join(a.Dir, u.Name), a.rule("user-twice"),
					errors.New("another directory stands for the same user")).WithRemedy("rename one of the two directories")
			}
			if u.Dangling {
				return failure.New(failure.Vanished, "list users", filepath.Join(a.Dir, u.Name), a.rule("dangling-user"),
					errors.New("it is a link to what is not there")).WithRemedy("mount what the link leads to, or remove the link")
			}
			return check(u)
		})
	}
}

// Accounts yields the accounts of a target. There are none where the directory
// is not there yet: it is made with the first.
func (a Accounts) Accounts(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		if _, err := Stat(a.Dir); err != nil && failure.ClassOf(err) == failure.Vanished && ctx.Err() == nil {
			return
		}
		a.each(ctx, "accounts", yield, func(UserDir) error { return nil })
	}
}

func (a Accounts) each(ctx context.Context, what string, yield func(directory.User, error) bool, check func(UserDir) error) {
	cancelled := func() error { return Fail("list "+what, a.Dir, a.rule(what), ctx.Err()) }
	if err := cancelled(); err != nil {
		yield(directory.User{}, err)
		return
	}
	list, err := a.List(ctx)
	if err != nil {
		yield(directory.User{}, err)
		return
	}
	for _, u := range list {
		if err := cancelled(); err != nil {
			yield(directory.User{}, err)
			return
		}
		if !yield(directory.User{ID: u.ID}, check(u)) {
			return
		}
	}
}
