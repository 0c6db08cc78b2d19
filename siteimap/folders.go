package siteimap

import (
	"strings"

	"github.com/emersion/go-imap/v2"

	"waybill/mail"
	"waybill/sitestore"
)

// maxName is the longest name of a folder that is taken, in bytes.
const maxName = 4096

// useAttributes are the roles that IMAP knows (RFC 6154), of those that a site
// keeps.
func useAttributes() map[mail.SpecialUse]imap.MailboxAttr {
	return map[mail.SpecialUse]imap.MailboxAttr{mail.UseSent: imap.MailboxAttrSent, mail.UseDrafts: imap.MailboxAttrDrafts, mail.UseTrash: imap.MailboxAttrTrash,
		mail.UseJunk: imap.MailboxAttrJunk, mail.UseArchive: imap.MailboxAttrArchive}
}

func useOf(attribute imap.MailboxAttr) mail.SpecialUse {
	for use, attr := range useAttributes() {
		if strings.EqualFold(string(attr), string(attribute)) {
			return use
		}
	}
	return mail.NoUse
}

// newName reads the name of a folder that is to be made. One that would be
// listed in another way is refused.
func newName(name string) (mail.Path, error) {
	name = strings.TrimSuffix(name, string(delimiter))
	path := sitePath(name)
	switch {
	case len(name) > maxName:
		return "", no(codeLimit, "the name is too long")
	case name == "" || strings.HasPrefix(name, "/") || strings.Contains(name, "//"):
		return "", no(codeCannot, "a folder needs a name")
	case !strings.EqualFold(imapName(path), name):
		return "", no(codeCannot, "this name would be shown differently")
	}
	return path, nil
}

// Create is CREATE, with a role if one is given.
func (x *session) Create(name string, options *imap.CreateOptions) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	path, err := newName(name)
	if err != nil {
		return err
	}
	f := mail.Folder{Path: path}
	for _, role := range options.SpecialUse {
		if f.Use != mail.NoUse || useOf(role) == mail.NoUse {
			return no(codeUse, "folders cannot have this role")
		}
		f.Use = useOf(role)
	}
	if have, err := x.box.Folder(x.ctx, path); err == nil && !have.Container {
		return no(codeExists, "there is a folder of that name")
	}
	return refusal(x.box.CreateFolder(x.ctx, f))
}

// Delete is DELETE: a folder goes with its messages.
func (x *session) Delete(name string) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	f, err := x.folder(name)
	if err == nil {
		err = x.box.RemoveFolder(x.ctx, f.Path)
	}
	if err != nil {
		return refusal(err)
	}
	x.server.hub.changed(f.ID)
	return nil
}

// Rename is RENAME: a folder with all that is in it.
func (x *session) Rename(from, to string, _ *imap.RenameOptions) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	f, err := x.folder(from)
	if err != nil {
		return refusal(err)
	}
	path, err := newName(to)
	if err != nil {
		return err
	}
	if err := x.box.RenameFolder(x.ctx, f.Path, path); err != nil {
		return refusal(err)
	}
	x.server.hub.changed(f.ID)
	return nil
}

// Subscribe is SUBSCRIBE, for folders that exist.
func (x *session) Subscribe(name string) error { return x.subscribe(name, true) }

// Unsubscribe is UNSUBSCRIBE.
func (x *session) Unsubscribe(name string) error { return x.subscribe(name, false) }

func (x *session) subscribe(name string, subscribed bool) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	f, err := x.folder(name)
	if err == nil {
		err = x.box.Subscribe(x.ctx, f.Path, subscribed)
	}
	return refusal(err)
}

// folder finds a folder by its IMAP name.
func (x *session) folder(name string) (sitestore.Folder, error) {
	return x.box.Folder(x.ctx, sitePath(name))
}

// Status is STATUS.
func (x *session) Status(name string, options *imap.StatusOptions) (*imap.StatusData, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f, err := x.folder(name)
	if err != nil {
		return nil, refusal(err)
	}
	if f.Container {
		return nil, no(codeCannot, "the folder holds folders only")
	}
	d, err := x.status(f, name, options)
	return d, refusal(err)
}

// status counts a folder (RFC 9051 6.3.11).
func (x *session) status(f sitestore.Folder, name string, options *imap.StatusOptions) (*imap.StatusData, error) {
	var tally sitestore.Tally
	if options.NumUnseen || options.NumDeleted || options.DeletedStorage {
		var err error
		if tally, err = x.box.Tally(x.ctx, f.Path); err != nil {
			return nil, err
		}
	}
	count := func(n int64) *uint32 { return new(uint32(n)) }
	return &imap.StatusData{Mailbox: name, NumMessages: count(f.Messages), NumRecent: count(0), UIDNext: imap.UID(f.UIDNext), UIDValidity: f.UIDValidity,
		NumUnseen: count(tally.Unseen), NumDeleted: count(tally.Deleted), Size: new(f.Bytes), AppendLimit: count(x.server.opt.MaxMessage), DeletedStorage: new(tally.DeletedBytes)}, nil
}
