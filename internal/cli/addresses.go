package cli

import (
	"context"
	"fmt"
	"strings"

	"waybill/connector"
	"waybill/connector/rewrite"
	"waybill/directory"
	"waybill/engine"
	"waybill/ledger"
)

// addressesDocument is what a ledger remembers of the addresses of its last run.
const addressesDocument = "old-addresses"

// Ranks of those who know Internet addresses for old ones, best first.
const (
	byOperator  = iota // the user map
	byTarget           // the account in the target
	byPlan             // what source and plan say of the user
	byDirectory        // --directory
	byBook             // the source's own contacts and lists, --users-from
	byAccount          // an account whose name is an address
)

// withRewriting puts a source in front that rewrites old addresses, where that is
// wished, or was in the run before. book may be nil.
func (e *env) withRewriting(source connector.Source, wished bool, book *ledger.Ledger) (connector.Source, error) {
	if !wished && book != nil {
		record, err := book.Document(e.ctx, addressesDocument)
		if err != nil {
			return nil, err
		}
		wished = record != nil
	}
	if !wished {
		return source, nil
	}
	return rewrite.New(source), nil
}

// rewriteAddresses tells the source which addresses are to be replaced by which,
// before anything is copied. Messages of an interrupted run of which nobody knows
// whether they arrived are made as that run made them.
func (r *migration) rewriteAddresses(ctx context.Context) error {
	source, ok := connector.Find[*rewrite.Source](r.m.Source)
	if !ok {
		return nil
	}
	var now *rewrite.Table
	if r.cmd.RewriteAddresses {
		table, err := r.oldAddresses(ctx, r.m, r.plan)
		if err != nil {
			return err
		}
		now = &table
		r.display.Line(knownLine(table))
	}
	open, err := unproven(ctx, r.m.Ledger)
	if err != nil {
		return err
	}
	record, err := r.m.Ledger.Document(ctx, addressesDocument)
	if err != nil {
		return err
	}
	history, next, changed, err := rewrite.Continue(record, open, now)
	if err != nil {
		return err
	}
	if n := history.Pinned(); n > 0 {
		r.display.Line(fmt.Sprintf("%d messages that an interrupted run sent keep the addresses of that run", n))
	}
	if changed {
		if err := r.m.Ledger.PutDocument(ctx, addressesDocument, next); err != nil {
			return err
		}
	}
	source.Use(history)
	return nil
}

func knownLine(t rewrite.Table) string {
	return fmt.Sprintf("Internet addresses are known for %d old addresses", t.Len())
}

// unproven lists the messages that were sent and not read back.
func unproven(ctx context.Context, l *ledger.Ledger) ([]rewrite.Place, error) {
	tallies, err := l.Tallies(ctx, 0)
	if err != nil {
		return nil, err
	}
	users := map[int64]string{}
	var places []rewrite.Place
	for _, t := range tallies {
		if t.Messages[ledger.Sent] == 0 && t.Messages[ledger.Delivered] == 0 {
			continue
		}
		if len(users) == 0 {
			boxes, err := l.List(ctx)
			if err != nil {
				return nil, err
			}
			for _, b := range boxes {
				users[b.ID] = b.User
			}
		}
		add := func(key string) {
			places = append(places, rewrite.Place{User: users[t.Mailbox], Folder: t.Path, Key: key})
		}
		intents, err := l.Intents(ctx, t.ID)
		if err != nil {
			return nil, err
		}
		for _, in := range intents {
			for _, key := range in.Keys {
				add(key)
			}
		}
		for row, err := range l.Rows(ctx, t.ID, ledger.Delivered) {
			if err != nil {
				return nil, err
			}
			add(row.Key)
		}
	}
	return places, nil
}

// oldAddresses asks everybody who knows people by old addresses and by Internet
// addresses: user map, target, plan, directories, and the source's own book.
func (e *env) oldAddresses(ctx context.Context, m *engine.Migration, plan *engine.Plan) (rewrite.Table, error) {
	var all rewrite.Maker
	accounts := map[string][]directory.Address{}
	for a, err := range m.Target.Accounts(ctx) {
		if err != nil {
			return rewrite.Table{}, err
		}
		if len(a.Addresses) > 0 {
			accounts[a.ID] = a.Addresses
		}
	}
	said := map[string]bool{}
	if m.Options.Users != nil {
		for _, row := range m.Options.Users.Rows {
			said[row.User] = hasSMTP(row.Address)
			all.Add(byOperator, append(append([]directory.Address{}, row.Address...), row.Proxies...))
		}
	}
	for _, u := range plan.Users {
		known := u.DirectoryUser().Addresses
		if said[u.User] {
			all.Add(byOperator, known)
			continue
		}
		if u.Moves() {
			if own := accounts[u.Account]; hasSMTP(own) {
				all.Add(byTarget, append(append([]directory.Address{}, own...), known...))
			}
			if strings.Contains(u.Account, "@") {
				all.Add(byAccount, append([]directory.Address{{Type: directory.SMTP, Value: u.Account}}, known...))
			}
		}
		all.Add(byPlan, known)
	}
	if d, ok := m.Directory.(ldapAccounts); ok {
		found, err := d.Contents(ctx)
		if err != nil {
			return rewrite.Table{}, err
		}
		for _, u := range found.Users {
			all.Add(byDirectory, u.Addresses)
		}
		addBook(&all, byDirectory, directory.Book{Contacts: found.Contacts, Lists: found.Lists})
	}
	if p, ok := connector.Find[*peopled](m.Source); ok {
		for _, u := range p.all.Users {
			all.Add(byBook, u.Addresses)
		}
	}
	book, err := m.Source.Book(ctx)
	if err != nil {
		return rewrite.Table{}, err
	}
	addBook(&all, byBook, book)
	return all.Table(), nil
}

func addBook(all *rewrite.Maker, rank int, book directory.Book) {
	for _, c := range book.Contacts {
		all.Add(rank, c.Addresses)
	}
	for _, l := range book.Lists {
		all.Add(rank, l.Addresses)
	}
}

func hasSMTP(list []directory.Address) bool {
	for _, a := range list {
		if a.Type == directory.SMTP {
			return true
		}
	}
	return false
}
