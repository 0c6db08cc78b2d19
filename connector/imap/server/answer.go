package server

import (
	"context"
	"errors"
	"strings"

	"waybill/failure"
	"waybill/imap"
	"waybill/mail"
)

// Refused reports whether an error is a server's NO or BAD, after which the
// connection goes on.
func Refused(err error) bool {
	status, ok := errors.AsType[*imap.StatusError](err)
	return ok && status.Kind != "BYE"
}

// Expunged reports whether a server refused because the messages are gone for
// another session already (RFC 5530 3).
func Expunged(err error) bool {
	status, ok := errors.AsType[*imap.StatusError](err)
	return ok && status.Code == "EXPUNGEISSUED"
}

// Words are the server's own in an error, or the error's.
func Words(err error) string {
	if status, ok := errors.AsType[*imap.StatusError](err); ok {
		return status.Error()
	}
	return err.Error()
}

// Ended is the error of a context that has ended, nil while it has not.
func Ended(ctx context.Context, op, where string) error {
	if err := ctx.Err(); err != nil {
		return failure.New(failure.Cancelled, op, where, "cancelled", err)
	}
	return nil
}

// Attribute reports whether LIST told an attribute, in any case.
func Attribute(item imap.ListItem, wanted ...string) bool {
	for _, a := range item.Attributes {
		for _, w := range wanted {
			if strings.EqualFold(a, w) {
				return true
			}
		}
	}
	return false
}

// Address is the name under which a listed folder is addressed.
func Address(item imap.ListItem) string {
	if item.Raw != "" {
		return imap.RawName(item.Raw)
	}
	return item.Name
}

// Show is a name without the mark of one that is addressed by its bytes.
func Show(name string) string { return strings.TrimPrefix(name, "\x00raw\x00") }

// UseOf is the role of a folder: as the server says (RFC 6154), or else as its
// name does.
func UseOf(item imap.ListItem, path mail.Path) mail.SpecialUse {
	if path == mail.Inbox {
		return mail.UseInbox
	}
	for _, known := range []struct {
		name string
		use  mail.SpecialUse
	}{
		{`\Sent`, mail.UseSent}, {`\Drafts`, mail.UseDrafts}, {`\Trash`, mail.UseTrash}, {`\Junk`, mail.UseJunk},
		{`\Archive`, mail.UseArchive}, {`\All`, mail.UseArchive},
		{`\Spam`, mail.UseJunk}, {`\AllMail`, mail.UseArchive}, // before RFC 6154
	} {
		if Attribute(item, known.name) {
			return known.use
		}
	}
	if Attribute(item, `\Noselect`, `\NonExistent`) {
		return mail.NoUse
	}
	return mail.GuessUse(path)
}

// MasterCure is what lets a master user of Dovecot's act as the owner.
const MasterCure = `"plugin { acl_user = %u }" in dovecot.conf, or master_user=%u among what the userdb returns`
