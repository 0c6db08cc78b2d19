package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"waybill/connector/imap/names"
	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/imap"
	"waybill/mail"
)

// maxFolders bounds how many folders of one mailbox are believed.
const maxFolders = 100_000

// list asks for all folders at once, with what else the server tells in the same
// breath: subscriptions and special uses (RFC 5258, 6154), and the state of each
// folder (RFC 5819).
func (b *sourceBox) list(ctx context.Context, x *server.Session) error {
	const op = "list folders"
	items, err := b.listed(ctx, x, imap.ListOptions{Subscribed: true, SpecialUse: true, Status: b.statusItems(x)})
	if err != nil {
		return b.source.fail(ctx, op, b.user, err)
	}
	if len(items) > maxFolders {
		return failure.New(failure.TooLarge, op, b.user, "imap.folders", fmt.Errorf("the server lists %d folders", len(items)))
	}
	if x.Prefix == "" && !x.Has("NAMESPACE") {
		b.link.spelling.Rules = b.inferred(items)
	}
	subscribed, err := b.subscriptions(ctx, x)
	if err != nil {
		return b.source.fail(ctx, op, b.user, err)
	}
	folders, others := b.gather(items, subscribed)
	inbox := slices.ContainsFunc(folders, func(f *sourceFolder) bool { return f.Path == mail.Inbox && !f.Container })
	if !inbox && x.Prefix == "" {
		// Some servers do not list the inbox; it is tried all the same.
		folders = append(folders, &sourceFolder{Folder: mail.Folder{Path: mail.Inbox, Use: mail.UseInbox, Subscribed: true}, name: "INBOX"})
	}
	folders = arrange(folders)
	if err := b.readable(ctx, x, folders, inbox); err != nil {
		return err
	}
	b.folders, b.byPath = folders, make(map[mail.Path]*sourceFolder, len(folders))
	for _, f := range folders {
		b.byPath[f.Path] = f
	}
	if at := b.byPath[mail.Inbox]; at != nil && others > 0 {
		at.Notes = append(at.Notes, mail.Note{Kind: "shared-folders-left-out",
			Text: fmt.Sprintf("%d folders that are other users' or shared are seen from this mailbox and were left out: they belong to others.", others)})
	}
	return nil
}

// listed lists the user's folders: all names, or for an administrator those in the
// user's name.
func (b *sourceBox) listed(ctx context.Context, x *server.Session, o imap.ListOptions) ([]imap.ListItem, error) {
	if x.Prefix == "" {
		return x.List(ctx, "", "*", o)
	}
	items, err := x.List(ctx, "", x.Prefix, o)
	if err != nil {
		return nil, err
	}
	rules := b.link.spelling.Rules
	below, err := x.List(ctx, "", rules.Prefix+"*"+rules.Suffix, o)
	return append(items, below...), err
}

func (b *sourceBox) statusItems(x *server.Session) []string {
	if !x.Has("LIST-STATUS") {
		return nil
	}
	return censusItems(x)
}

// subscriptions are names of folders that the user has subscribed to, where LIST
// does not tell with each; nil where it does.
func (b *sourceBox) subscriptions(ctx context.Context, x *server.Session) (map[string]bool, error) {
	if x.Has("LIST-EXTENDED") {
		return nil, nil
	}
	items, err := x.Lsub(ctx, "", "*")
	if err != nil && !server.Refused(err) {
		return nil, err
	}
	subscribed := map[string]bool{}
	for _, item := range items {
		if !server.Attribute(item, `\Noselect`) { // a parent of one that is subscribed
			subscribed[server.Address(item)] = true
		}
	}
	return subscribed, nil
}

// inferred finds the rules of a server without NAMESPACE from what it lists: one
// where everything lies in the inbox shows nothing else.
func (b *sourceBox) inferred(items []imap.ListItem) names.Rules {
	delimiter, inside, beside := "", 0, 0
	for _, item := range items {
		if delimiter == "" {
			delimiter = item.Delimiter
		}
		head := "INBOX" + item.Delimiter
		switch {
		case strings.EqualFold(item.Name, "INBOX"):
		case item.Delimiter != "" && len(item.Name) > len(head) && strings.EqualFold(item.Name[:len(head)], head):
			inside++
		default:
			beside++
		}
	}
	prefix := ""
	if inside > 0 && beside == 0 {
		prefix = "INBOX" + delimiter
	}
	return names.For(b.source.server.Flavour(), delimiter, prefix, b.source.server.Facts().Reserved...)
}

// gather makes folders of what was listed and counts what belongs to others.
func (b *sourceBox) gather(items []imap.ListItem, subscribed map[string]bool) (folders []*sourceFolder, others int) {
	seen := map[string]bool{}
	sp := b.link.spelling
	for _, item := range items {
		at := server.Address(item)
		if seen[at] {
			continue
		}
		seen[at] = true
		if sp.Foreign(item.Name) {
			others++
			continue
		}
		path, notes := sp.Rules.Decode(item.Name)
		if item.Raw != "" {
			notes = append(notes, mail.Note{Kind: "folder-name-bytes",
				Text: fmt.Sprintf("The folder's name on the server, %q, is not in modified UTF-7 as RFC 3501 5.1.3 wants it; it is read as %q.", item.Raw, item.Name)})
		}
		f := &sourceFolder{name: at, status: item.Status}
		f.Folder = mail.Folder{Path: path, Notes: notes, Container: server.Attribute(item, `\Noselect`, `\NonExistent`),
			Subscribed: server.Attribute(item, `\Subscribed`) || subscribed[at]}
		f.Use = server.UseOf(item, path)
		b.label(f, item)
		folders = append(folders, f)
	}
	return folders, others
}

// arrange orders folders, gives two that have one path different ones, adds
// parents that were not listed, and lets only one folder have each role.
func arrange(folders []*sourceFolder) []*sourceFolder {
	byPath := map[mail.Path]*sourceFolder{}
	var all []*sourceFolder
	slices.SortStableFunc(folders, func(a, c *sourceFolder) int {
		// Names that are spelled as they should be come first, and keep their paths.
		if raw := server.Show(a.name) != a.name; raw != (server.Show(c.name) != c.name) {
			if raw {
				return 1
			}
			return -1
		}
		return strings.Compare(a.name, c.name)
	})
	for _, f := range folders {
		if other := byPath[f.Path]; other != nil {
			if other.Container && !f.Container {
				// "Orders/" and "Orders" of one server: the one with messages counts.
				*other = *f
				continue
			}
			if f.Container {
				continue
			}
			sum := sha256.Sum256([]byte(f.name))
			other := f.Path
			f.Path = f.Path.Parent().Child(f.Path.Name() + "~" + hex.EncodeToString(sum[:4]))
			f.Use = mail.NoUse
			f.Notes = append(f.Notes, mail.Note{Kind: "folder-renamed", Text: fmt.Sprintf("Two folders of the server are both called %q; this one is called %q.", other, f.Path)})
		}
		byPath[f.Path] = f
		all = append(all, f)
	}
	for _, f := range slices.Clone(all) {
		for p := f.Path.Parent(); p != "" && byPath[p] == nil; p = p.Parent() {
			byPath[p] = &sourceFolder{Folder: mail.Folder{Path: p, Container: true}}
			all = append(all, byPath[p])
		}
	}
	slices.SortFunc(all, func(a, c *sourceFolder) int { return a.Path.Compare(c.Path) })
	return all
}

// readable makes sure that an inbox that was not told of in the listing can be
// opened at all: what a server calls not existing is never taken for empty.
func (b *sourceBox) readable(ctx context.Context, x *server.Session, folders []*sourceFolder, listed bool) error {
	at := slices.IndexFunc(folders, func(f *sourceFolder) bool { return f.Path == mail.Inbox })
	if at < 0 {
		return b.absent(nil)
	}
	inbox := folders[at]
	if inbox.Container || inbox.status != nil {
		return nil
	}
	results, err := x.Status(ctx, []string{inbox.name}, censusItems(x)...)
	if err != nil {
		return b.source.fail(ctx, "look at the inbox", b.user, err)
	}
	if len(results) == 1 && results[0].Err == nil {
		inbox.status = &results[0].Status
		return nil
	}
	if len(results) != 1 {
		return failure.New(failure.Malformed, "look at the inbox", b.user, "imap.protocol", errors.New("the server does not answer"))
	}
	failed := results[0].Err
	if !server.Refused(failed) {
		return b.source.fail(ctx, "look at the inbox", b.user, failed)
	}
	for _, f := range folders {
		if f != inbox && !f.Container {
			return nil // told when the inbox is read; the rest may be open
		}
	}
	if !listed {
		return b.absent(failed)
	}
	return b.link.unreadable(ctx, x, inbox, failed)
}

// absent says that the account has no mailbox.
func (b *sourceBox) absent(err error) error {
	return failure.New(failure.Vanished, "open mailbox", b.user, "imap.mailbox", err).
		WithRemedy("the account has no mailbox on this server: take it out of the user map, or make the mailbox")
}
