// Package reading holds the cases for the reading side of a connector.
package reading

import (
	"context"
	"crypto/sha256"
	"io"
	"slices"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/connector/connectortest/internal/check"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

// Config is the source that is read; connectortest.SourceConfig tells the meaning
// of the fields.
type Config struct {
	OpenSource func(ctx context.Context) (connector.Source, error)
	Dir        string
	Change     func(t *testing.T, user string, folder mail.Path)
}

// opened bounds how many messages of one folder are read from end to end.
const opened = 300

// reading is one case on a source.
type reading struct {
	*check.Case
	cfg    Config
	source connector.Source
	users  []directory.User
}

type sourceCase struct {
	name string
	run  func(r *reading)
}

func sourceCases() []sourceCase {
	return []sourceCase{
		{"source/users", sourceUsers},
		{"source/unknown", sourceUnknown},
		{"source/book", sourceBook},
		{"source/folders", sourceFolders},
		{"source/messages", sourceMessages},
		{"source/content", sourceContent},
		{"source/census", sourceCensus},
		{"source/state", sourceState},
		{"source/cancel", sourceCancel},
		{"source/break", sourceBreak},
		{"source/concurrent", sourceConcurrent},
		{"source/untouched", sourceUntouched},
	}
}

// Run runs all cases on the source.
func Run(t *testing.T, cfg Config, skips *check.Skips) {
	t.Helper()
	for _, sc := range sourceCases() {
		skips.Run(t, sc.name, func(c *check.Case) {
			r := &reading{Case: c, cfg: cfg}
			r.reopen()
			sc.run(r)
		})
	}
}

// reopen closes the source, if it is open, and opens it again.
func (r *reading) reopen() {
	r.Helper()
	if r.source != nil {
		r.CloseOnce("close the source", r.source)
	}
	source, err := r.cfg.OpenSource(r.Ctx)
	r.Must("open the source", err)
	r.source = source
	r.Cleanup(func() { r.CloseOnce("close the source", source) })
	r.users = r.list()
}

// list lists the users that can be opened; errors about single users are logged.
func (r *reading) list() []directory.User {
	r.Helper()
	var users []directory.User
	last := ""
	for u, err := range r.source.Users(r.Ctx) {
		if u.ID == "" {
			if err == nil {
				r.Fatal("a user without an ID and without an error is listed")
			}
			r.Must("list users", err)
		}
		if strings.Compare(u.ID, last) <= 0 {
			r.Errorf("user %q is listed after %q", u.ID, last)
		}
		last = u.ID
		if err != nil {
			r.Class("list user "+u.ID, err)
			r.Logf("user %s: %v", u.ID, err)
			continue
		}
		users = append(users, u)
	}
	if len(users) == 0 {
		r.Fatal("the source has no users, and the suite needs one")
	}
	return users
}

// each calls f for every mailbox.
func (r *reading) each(f func(user string, mailbox connector.SourceMailbox)) {
	r.Helper()
	for _, u := range r.users {
		mailbox, err := r.source.Mailbox(r.Ctx, u.ID)
		if err != nil {
			r.Class("open the mailbox of "+u.ID, err)
			if failure.ClassOf(err) != failure.Vanished {
				r.Errorf("open the mailbox of %s: %v", u.ID, err)
			}
			continue
		}
		f(u.ID, mailbox)
		r.Check("close the mailbox of "+u.ID, mailbox.Close())
	}
}

// eachFolder calls f for every folder that has messages.
func (r *reading) eachFolder(f func(user string, mailbox connector.SourceMailbox, path mail.Path, messages []mail.Message)) {
	r.Helper()
	r.each(func(user string, mailbox connector.SourceMailbox) {
		folders, err := mailbox.Folders(r.Ctx)
		r.Must("list folders of "+user, err)
		for _, folder := range folders {
			if folder.Container {
				continue
			}
			if messages, ok := r.messages(mailbox, folder.Path); ok {
				f(user, mailbox, folder.Path, messages)
			}
		}
	})
}

// messages lists a folder. False means that it cannot be read, which is allowed
// and logged.
func (r *reading) messages(mailbox connector.SourceMailbox, path mail.Path) ([]mail.Message, bool) {
	r.Helper()
	var list []mail.Message
	for m, err := range mailbox.Messages(r.Ctx, path) {
		if err != nil {
			r.Class("list messages of "+string(path), err)
			r.Logf("%s %s: %v", path, m.Key, err)
			if m.Key == "" {
				return nil, false
			}
		}
		if m.Key == "" {
			r.Errorf("a message without key and error is listed in %s", path)
			continue
		}
		if err != nil {
			continue
		}
		list = append(list, m)
	}
	return list, true
}

// contents reads a message to its end.
func (r *reading) contents(mailbox connector.SourceMailbox, path mail.Path, m mail.Message) (mail.Digest, int64, error) {
	body, err := mailbox.Open(r.Ctx, path, m)
	if err != nil {
		return mail.Digest{}, 0, err
	}
	h := sha256.New()
	n, err := io.Copy(h, body)
	if closed := body.Close(); err == nil {
		err = closed
	}
	return mail.Digest(h.Sum(nil)), n, err
}

func sourceUsers(r *reading) {
	again := r.list()
	ids := func(users []directory.User) (ids []string) {
		for _, u := range users {
			ids = append(ids, u.ID)
		}
		return ids
	}
	if !slices.Equal(ids(r.users), ids(again)) {
		r.Errorf("users are %q, and %q when they are listed again", ids(r.users), ids(again))
	}
}

func sourceUnknown(r *reading) {
	for _, id := range []string{"nobody-here", "", "..", "../" + r.users[0].ID, strings.Repeat("x", 300), "a\x00b"} {
		mailbox, err := r.source.Mailbox(r.Ctx, id)
		if err == nil {
			_ = mailbox.Close()
			r.Errorf("the mailbox of %q opens, and there is no such user", id)
			continue
		}
		r.WantClass("open the mailbox of a stranger", err, failure.Vanished)
	}
	r.each(func(user string, mailbox connector.SourceMailbox) {
		for _, path := range []mail.Path{"Not there", mail.NewPath("..", "..", "etc"), ""} {
			list, err := check.Collect(mailbox.Messages(r.Ctx, path))
			if err == nil {
				r.Errorf("folder %q of %s is not there, and lists %d messages without error", path, user, len(list))
			} else {
				r.Class("list an unknown folder", err)
			}
		}
	})
	r.eachFolder(func(user string, mailbox connector.SourceMailbox, path mail.Path, messages []mail.Message) {
		if len(messages) == 0 {
			return
		}
		for _, key := range []string{"no-such-key", "999999999", "../../etc/passwd"} {
			ghost := messages[0]
			ghost.Key = key
			_, n, err := r.contents(mailbox, path, ghost)
			if err == nil {
				r.Errorf("%s %s has no message %q, and Open gives %d bytes", user, path, key, n)
			} else {
				r.WantClass("open the message "+key, err, failure.Vanished)
			}
		}
	})
}

func sourceBook(r *reading) {
	book, err := r.source.Book(r.Ctx)
	r.Must("read the book", err)
	again, err := r.source.Book(r.Ctx)
	r.Must("read the book again", err)
	if len(book.Contacts) != len(again.Contacts) || len(book.Lists) != len(again.Lists) {
		r.Errorf("the book has %d contacts and %d lists, and then %d and %d", len(book.Contacts), len(book.Lists), len(again.Contacts), len(again.Lists))
	}
	seen := map[string]bool{}
	note := func(id string) {
		if id == "" || seen[id] {
			r.Errorf("ID %q of a contact or list is empty or not unique", id)
		}
		seen[id] = true
	}
	for _, c := range book.Contacts {
		note(c.ID)
	}
	for _, l := range book.Lists {
		note(l.ID)
	}
}

func sourceFolders(r *reading) {
	r.each(func(user string, mailbox connector.SourceMailbox) {
		folders, err := mailbox.Folders(r.Ctx)
		r.Must("list folders of "+user, err)
		r.Ordered(folders)
		again, err := mailbox.Folders(r.Ctx)
		r.Must("list folders again", err)
		if !slices.Equal(check.Paths(folders), check.Paths(again)) {
			r.Errorf("folders of %s are %q, and then %q", user, check.Paths(folders), check.Paths(again))
		}
		for _, f := range folders {
			if names := f.Path.Names(); len(names) == 0 || slices.Contains(names, "") || mail.NewPath(names...) != f.Path {
				r.Errorf("folder %q of %s is no proper path", f.Path, user)
			}
		}
	})
}

func sourceMessages(r *reading) {
	found := 0
	r.eachFolder(func(user string, mailbox connector.SourceMailbox, path mail.Path, messages []mail.Message) {
		found += len(messages)
		seen := map[string]bool{}
		for _, m := range messages {
			if len(m.Key) > 255 || seen[m.Key] {
				r.Errorf("%s %s: key %q is longer than 255 bytes or not unique", user, path, m.Key)
			}
			seen[m.Key] = true
			if !m.Flags.Equal(mail.NewFlagSet(m.Flags.System, m.Flags.Keywords...)) {
				r.Errorf("%s %s: flags of %q are not in canonical form: %q", user, path, m.Key, m.Flags)
			}
		}
		again, _ := r.messages(mailbox, path)
		same := slices.EqualFunc(messages, again, func(a, b mail.Message) bool {
			return a.Key == b.Key && a.Size == b.Size && a.InternalDate.Equal(b.InternalDate) && a.Flags.Equal(b.Flags)
		})
		if !same {
			r.Errorf("%s %s is listed differently the second time", user, path)
		}
	})
	if found == 0 {
		r.Errorf("the source has no messages, and the suite needs one")
	}
	r.sameAfterReopening()
}

// sameAfterReopening finds the same keys in another session.
func (r *reading) sameAfterReopening() {
	keys := func() (keys []string) {
		r.eachFolder(func(user string, _ connector.SourceMailbox, path mail.Path, messages []mail.Message) {
			for _, m := range messages {
				keys = append(keys, user+" "+string(path)+" "+m.Key)
			}
		})
		return keys
	}
	before := keys()
	r.reopen()
	if !slices.Equal(before, keys()) {
		r.Errorf("keys differ after reopening")
	}
}

func sourceContent(r *reading) {
	r.eachFolder(func(user string, mailbox connector.SourceMailbox, path mail.Path, messages []mail.Message) {
		for _, m := range messages[:min(len(messages), opened)] {
			first, n, err := r.contents(mailbox, path, m)
			if err != nil {
				r.Class("read a message", err)
				r.Logf("%s %s %s: %v", user, path, m.Key, err)
				continue
			}
			second, _, err := r.contents(mailbox, path, m)
			if err != nil || first != second {
				r.Errorf("%s %s: message %q reads differently the second time (error %v)", user, path, m.Key, err)
			}
			if m.Size >= 0 && m.Size != n {
				r.Errorf("%s %s: message %q is listed with %d bytes and has %d", user, path, m.Key, m.Size, n)
			}
		}
	})
}
