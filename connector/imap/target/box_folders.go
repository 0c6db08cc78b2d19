package target

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/imap"
	"waybill/mail"
)

var listPlain = imap.ListOptions{}

// useAttributes are the roles that a folder can be given (RFC 6154 2).
var useAttributes = map[mail.SpecialUse]string{
	mail.UseSent: `\Sent`, mail.UseDrafts: `\Drafts`, mail.UseTrash: `\Trash`, mail.UseJunk: `\Junk`, mail.UseArchive: `\Archive`,
}

// Folders lists the account's own folders.
func (b *targetBox) Folders(ctx context.Context) ([]mail.Folder, error) {
	x, done, err := b.command(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	folders, err := b.list(ctx, x)
	return folders, b.t.fail("list folders", b.account, err)
}

func (b *targetBox) list(ctx context.Context, x *server.Session) ([]mail.Folder, error) {
	items, err := b.listed(ctx, x)
	if err != nil {
		return nil, err
	}
	subscribed, err := b.subscribed(ctx, x, items)
	if err != nil {
		return nil, err
	}
	known := map[mail.Path]bool{}
	var folders []mail.Folder
	for _, it := range items {
		path, _ := b.Rules.Decode(it.Name)
		if known[path] {
			continue
		}
		known[path] = true
		if it.Raw != "" {
			b.remember(path, server.Address(it))
		}
		f := mail.Folder{Path: path, Use: server.UseOf(it, path), Subscribed: subscribed[it.Name], Container: server.Attribute(it, `\NonExistent`, `\Noselect`)}
		folders = append(folders, f)
	}
	// A server may leave out a folder that holds others and is none itself.
	for _, f := range slices.Clone(folders) {
		for p := f.Path.Parent(); p != "" && !known[p]; p = p.Parent() {
			known[p] = true
			folders = append(folders, mail.Folder{Path: p, Container: true})
		}
	}
	slices.SortFunc(folders, func(a, b mail.Folder) int { return a.Path.Compare(b.Path) })
	return folders, nil
}

// listed asks for the names of the account's own folders.
func (b *targetBox) listed(ctx context.Context, x *server.Session) ([]imap.ListItem, error) {
	o := imap.ListOptions{Subscribed: true, SpecialUse: true}
	if b.Rules.Prefix == "" {
		items, err := x.List(ctx, "", "*", o)
		return slices.DeleteFunc(items, func(it imap.ListItem) bool { return b.Foreign(it.Name) }), err
	}
	inbox, err := x.List(ctx, "", b.Rules.Inbox, o)
	if err != nil {
		return nil, err
	}
	below, err := x.List(ctx, "", b.Rules.Prefix+"*"+b.Rules.Suffix, o)
	return slices.Concat(inbox, below), err
}

// subscribed tells which of the folders are subscribed to, by the attributes of
// LIST where the server tells there (RFC 5258), else by LSUB.
func (b *targetBox) subscribed(ctx context.Context, x *server.Session, items []imap.ListItem) (map[string]bool, error) {
	set := map[string]bool{}
	if x.Has("LIST-EXTENDED") {
		for _, it := range items {
			if server.Attribute(it, `\Subscribed`) {
				set[it.Name] = true
			}
		}
		return set, nil
	}
	list, err := x.Lsub(ctx, "", "*")
	for _, it := range list {
		if !server.Attribute(it, `\Noselect`) {
			set[it.Name] = true
		}
	}
	return set, err
}

// CreateFolder makes a folder; the server makes its parents (RFC 9051 6.3.4).
func (b *targetBox) CreateFolder(ctx context.Context, f mail.Folder) error {
	const op = "create folder"
	where := b.where(f.Path)
	l := b.writer
	l.mu.Lock()
	defer l.mu.Unlock()
	x, err := l.connected(ctx)
	if err != nil {
		return err
	}
	name, err := b.encode(f.Path)
	if err != nil {
		return err
	}
	if f.Path == mail.Inbox {
		return nil
	}
	l.detach()
	use := ""
	if x.Has("CREATE-SPECIAL-USE") {
		use = useAttributes[f.Use]
	}
	err = x.Create(ctx, name, use)
	if err != nil && use != "" && x.Broken() == nil && !b.exists(ctx, x, name) {
		// A server that has a folder in that role may refuse a second one.
		err = x.Create(ctx, name, "")
	}
	if err != nil {
		if x.Broken() == nil && b.exists(ctx, x, name) {
			return nil // left as it is
		}
		return b.t.explain(ctx, x, b.closest(f.Path), where, op, err)
	}
	if f.Subscribed {
		return b.t.fail("subscribe", where, x.Subscribe(ctx, name))
	}
	return nil
}

// encode is the name under which a folder is addressed: the server's own where it
// is one that nobody would write so.
func (b *targetBox) encode(p mail.Path) (string, error) {
	b.oddMu.Lock()
	name, odd := b.odd[p]
	b.oddMu.Unlock()
	if odd {
		return name, nil
	}
	return b.Rules.Encode(p)
}

func (b *targetBox) remember(p mail.Path, name string) {
	b.oddMu.Lock()
	defer b.oddMu.Unlock()
	if b.odd == nil {
		b.odd = map[mail.Path]string{}
	}
	b.odd[p] = name
}

// closest is the mailbox in which a folder would lie, whose rights decide.
func (b *targetBox) closest(p mail.Path) string {
	if name, err := b.encode(p.Parent()); err == nil && p.Parent() != "" {
		return name
	}
	return b.Rules.Inbox
}

// exists reports whether a folder is there that can hold messages.
func (b *targetBox) exists(ctx context.Context, x *server.Session, name string) bool {
	items, err := x.List(ctx, "", name, listPlain)
	return err == nil && slices.ContainsFunc(items, func(it imap.ListItem) bool {
		return it.Name == name && !server.Attribute(it, `\NonExistent`, `\Noselect`)
	})
}

// DeleteFolder removes a folder without messages. Between looking and removing
// lies a moment in which somebody may deliver; the engine removes only folders
// that it made itself.
func (b *targetBox) DeleteFolder(ctx context.Context, folder mail.Path) error {
	const op = "delete folder"
	where := b.where(folder)
	b.yieldReader() // it may have the folder open
	l := b.writer
	l.mu.Lock()
	defer l.mu.Unlock()
	x, err := l.connected(ctx)
	if err != nil {
		return err
	}
	l.detach()
	name, err := b.encode(folder)
	if err != nil {
		return err
	}
	if l.folder != "" {
		l.folder = ""
		if err := x.Unselect(ctx); err != nil {
			return b.t.fail(op, where, err)
		}
	}
	results, err := x.Status(ctx, []string{name}, "MESSAGES")
	if err == nil && len(results) == 1 {
		err = results[0].Err
	}
	if err != nil {
		return b.t.explain(ctx, x, name, where, op, err)
	}
	if len(results) != 1 || results[0].Messages != 0 {
		return failure.New(failure.Conflict, op, where, "imap.folder-not-empty", errors.New("the folder has messages in it"))
	}
	if err := x.Delete(ctx, name); err != nil {
		return b.t.explain(ctx, x, name, where, op, err)
	}
	_ = x.Unsubscribe(ctx, name) // a name without a folder may stay subscribed to; some servers refuse
	return nil
}

// Subscribe subscribes to a folder that exists.
func (b *targetBox) Subscribe(ctx context.Context, folder mail.Path) error {
	x, done, err := b.command(ctx)
	if err != nil {
		return err
	}
	defer done()
	name, err := b.encode(folder)
	if err != nil {
		return err
	}
	return b.t.fail("subscribe", b.where(folder), x.Subscribe(ctx, name))
}

// Identity tells which mailbox this is: by MAILBOXID (RFC 8474) of the inbox, or
// by the identities of its folders, where there is mail to tell them by.
func (b *targetBox) Identity(ctx context.Context) (string, error) {
	x, done, err := b.command(ctx)
	if err != nil {
		return "", err
	}
	defer done()
	item := ""
	switch {
	case x.Has("OBJECTID"):
		item = "MAILBOXID"
	case b.t.server.Flavour() == "dovecot":
		item = "X-GUID" // its own, from before RFC 8474
	}
	if item != "" {
		results, err := x.Status(ctx, []string{b.Rules.Inbox}, item)
		if err == nil && len(results) == 1 {
			err = results[0].Err
		}
		if err != nil {
			return "", b.t.explain(ctx, x, b.Rules.Inbox, b.account, "tell which mailbox this is", err)
		}
		if len(results) == 1 && results[0].MailboxID != "" {
			return "mailboxid " + results[0].MailboxID, nil
		}
	}
	return b.digestOfFolders(ctx, x)
}

func compareFold(a, b string) int {
	return cmp.Or(strings.Compare(strings.ToLower(a), strings.ToLower(b)), strings.Compare(a, b))
}
