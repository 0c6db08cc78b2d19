package engine

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"waybill/connector"
	"waybill/directory"
	"waybill/engine/setup"
	"waybill/failure"
	"waybill/mail"
	"waybill/rights"
)

// lookups is how many accounts are looked for at the same time.
const lookups = 8

// candidates are the accounts that the users may go to, as far as their names
// tell.
func (m *Migration) candidates(users []directory.User) []string {
	rows := map[string]directory.MapRow{}
	if m.Options.Users != nil {
		for _, row := range m.Options.Users.Rows {
			rows[row.User] = row
		}
	}
	var ids []string
	for _, u := range users {
		row, named := rows[u.ID]
		switch {
		case m.Options.Users != nil && !named, row.Action == string(directory.Skip):
		case row.Account != "":
			ids = append(ids, row.Account)
		default:
			ids = append(ids, u.ID)
		}
	}
	return ids
}

// accounts lists the target's accounts, and looks for those of candidates that
// a target which cannot list them all may have besides. doubts tells of those of
// which it cannot be said whether they exist.
func (m *Migration) accounts(ctx context.Context, candidates []string) (accounts []directory.User, doubts map[string]error, err error) {
	finder, ok := m.Target.(connector.AccountFinder)
	known, doubtful := map[string]bool{}, map[string]bool{}
	if ok && m.madeElsewhere() {
		// Such a target lists whom the operator named, and where something
		// else makes accounts those need not be there yet.
		for _, id := range candidates {
			doubtful[id] = true
		}
	}
	for a, err := range m.Target.Accounts(ctx) {
		if err != nil {
			return nil, nil, err
		}
		if doubtful[a.ID] {
			continue
		}
		known[a.ID] = true
		accounts = append(accounts, a)
	}
	if !ok {
		return accounts, nil, nil
	}
	doubts = map[string]error{}
	var mu sync.Mutex
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(lookups)
	for _, id := range candidates {
		if known[id] {
			continue
		}
		known[id] = true
		group.Go(func() error {
			account, found, err := finder.FindAccount(groupCtx, id)
			if err != nil && (groupCtx.Err() != nil || setup.Stops(err)) {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			switch {
			case found:
				accounts = append(accounts, account)
			case err != nil:
				doubts[id] = err
			}
			return nil
		})
	}
	return accounts, doubts, group.Wait()
}

// glance lists the folders of an account's mailbox, as far as that helps to name
// folders; a mailbox that cannot be opened is preflight's to report.
func (m *Migration) glance(ctx context.Context, account string) []mail.Folder {
	if !m.Target.Capabilities().SpecialUse {
		return nil
	}
	box, err := m.Target.Mailbox(ctx, account)
	if err != nil {
		return nil
	}
	folders, err := box.Folders(ctx)
	if err != nil {
		folders = nil
	}
	_ = box.Close() // nothing was written
	return folders
}

// sourceDenies keeps what the source refuses to show, so that preflight can tell
// of it before anything is changed.
func (m *Migration) sourceDenies(action, where string, err error) {
	if failure.ClassOf(err) != failure.Denied {
		return
	}
	found := rights.From(err)
	if len(found) == 0 {
		found = []rights.Finding{{Action: action, Where: where, Detail: err.Error()}}
	}
	m.denials = append(m.denials, found...)
}

// SourceFindings are the rights that the last plan found missing in the source.
func (m *Migration) SourceFindings() []rights.Finding { return m.denials }
