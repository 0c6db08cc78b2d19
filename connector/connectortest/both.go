package connectortest

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"waybill/connector"
	"waybill/connector/connectortest/internal/check"
	"waybill/connector/connectortest/internal/post"
	"waybill/connector/connectortest/internal/reading"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

func runBoth(t *testing.T, cfg Config, skip *check.Skips) {
	t.Helper()
	runCases(t, cfg, skip)
	for _, tc := range []testCase{
		{"both/read-what-was-written", readBack},
		{"both/odd-content", oddThroughBoth},
		{"both/odd-names", namesThroughBoth},
		{"both/changes", changes},
	} {
		runCase(t, cfg, skip, tc)
	}
	filled := &trial{Case: check.NewCase(context.Background(), t), cfg: &cfg, store: cfg.NewStore(t)}
	filled.fill()
	number := 500
	reading.Run(t, reading.Config{
		OpenSource: filled.store.OpenSource,
		Dir:        filled.store.Dir,
		Change: func(t *testing.T, user string, folder mail.Path) {
			number++
			change(&trial{Case: check.NewCase(context.Background(), t), cfg: &cfg, store: filled.store}, user, folder, post.Compose(number))
		},
	}, skip)
}

// freight is what was delivered to one folder.
type freight struct {
	account string
	path    mail.Path
	letters []post.Letter
	digests []mail.Digest
	stored  []connector.Stored
}

// fill writes two mailboxes with some folders each, and closes the target.
func (tr *trial) fill() []freight {
	tr.Helper()
	target, err := tr.store.OpenTarget(tr.Ctx)
	tr.Must("open the target", err)
	var all []freight
	for n, user := range []string{tr.account(target, 0), tr.account(target, 1)} {
		mailbox, err := target.Mailbox(tr.Ctx, user)
		tr.Must("open mailbox", err)
		for i, names := range [][]string{{"INBOX"}, {"Orders"}, {"Orders", "2003"}, {"a/b.c \u00e4 &"}} {
			d := &desk{trial: tr, target: target, account: user, mailbox: mailbox, caps: target.Capabilities()}
			d.path = tr.folder(target, mailbox, names...)
			start := d.position()
			f := freight{account: user, path: d.path, letters: post.Many(100*n+10*i, 5)}
			f.letters[1].Flags = mail.NewFlagSet(mail.Seen|mail.Answered, "Work")
			f.letters[2].Flags = mail.NewFlagSet(mail.Flagged | mail.Draft)
			f.letters[3] = f.letters[1]
			d.deliver(f.letters...)
			f.stored = d.arrived(start)
			for _, l := range f.letters {
				f.digests = append(f.digests, d.digest(l))
			}
			all = append(all, f)
		}
		tr.Check("close mailbox", mailbox.Close())
	}
	if target.Capabilities().Contacts {
		tr.Check("create contact", target.CreateContact(tr.Ctx, supplier()))
	}
	if target.Capabilities().Lists {
		tr.Check("create list", target.CreateList(tr.Ctx, crew()))
	}
	tr.Check("close the target", target.Close())
	return all
}

// readBack compares what the Source reads with what the Target was given: every
// message with its content, order, flags and date, the users and the directory.
func readBack(tr *trial) {
	all := tr.fill()
	source, err := tr.store.OpenSource(tr.Ctx)
	tr.Must("open the source", err)
	defer func() { tr.Check("close the source", source.Close()) }()
	target := tr.open()
	users, err := check.Collect(source.Users(tr.Ctx))
	tr.Must("list users", err)
	for _, f := range all {
		if !slices.ContainsFunc(users, func(u directory.User) bool { return u.ID == f.account }) {
			tr.Errorf("account %q was made, and the source has no such user", f.account)
			continue
		}
		mailbox, err := source.Mailbox(tr.Ctx, f.account)
		tr.Must("open mailbox", err)
		folders, err := mailbox.Folders(tr.Ctx)
		tr.Must("list folders", err)
		if !slices.Contains(check.Paths(folders), f.path) {
			tr.Errorf("folder %q was made, and the source lists %q", f.path, check.Paths(folders))
		}
		tr.compareFolder(target, mailbox, f)
		tr.Check("close mailbox", mailbox.Close())
	}
	book, err := source.Book(tr.Ctx)
	tr.Must("read the book", err)
	if target.Capabilities().Contacts && (len(book.Contacts) != 1 || book.Contacts[0].Name != supplier().Name || len(book.Contacts[0].Addresses) == 0) {
		tr.Errorf("one contact was made, and the book has %+v", book.Contacts)
	}
	if target.Capabilities().Lists && (len(book.Lists) != 1 || book.Lists[0].Name != crew().Name || len(book.Lists[0].Members) != len(crew().Members)) {
		tr.Errorf("one list was made, and the book has %+v", book.Lists)
	}
}

func (tr *trial) compareFolder(target connector.Target, mailbox connector.SourceMailbox, f freight) {
	tr.Helper()
	messages, err := check.Collect(mailbox.Messages(tr.Ctx, f.path))
	tr.Must("list messages", err)
	if len(messages) != len(f.letters) {
		tr.Errorf("%s %s: %d messages were written, and %d are read", f.account, f.path, len(f.letters), len(messages))
	}
	for i := range min(len(messages), len(f.letters), len(f.stored)) {
		body, err := mailbox.Open(tr.Ctx, f.path, messages[i])
		tr.Must("open message", err)
		digest, err := target.Fingerprint(tr.Ctx, body)
		tr.Must("digest message", err)
		tr.Check("close message", body.Close())
		if digest != f.digests[i] {
			tr.Errorf("%s %s: message %d that is read differs from what was written", f.account, f.path, i+1)
		}
		if !messages[i].Flags.Equal(f.stored[i].Flags) {
			tr.Errorf("%s %s: message %d has flags %q for the source and %q for the target", f.account, f.path, i+1, messages[i].Flags, f.stored[i].Flags)
		}
		d := &desk{trial: tr, caps: target.Capabilities()}
		if d.holdsDate(f.letters[i].Date) && !messages[i].InternalDate.Equal(f.stored[i].InternalDate) {
			tr.Errorf("%s %s: message %d has the date %v for the source and %v for the target", f.account, f.path, i+1, messages[i].InternalDate, f.stored[i].InternalDate)
		}
	}
}

// oddThroughBoth reads odd messages through the Source that were written through
// the Target, all in one folder. Those that the target refuses are left out.
func oddThroughBoth(tr *trial) {
	d := tr.desk()
	start := d.position()
	f := freight{account: d.account, path: d.path}
	for _, l := range post.Odd() {
		if receipts := d.append(l); receipts[0].Err == nil {
			f.letters = append(f.letters, l)
			f.digests = append(f.digests, d.digest(l))
		} else if tr.cfg.Refuses["content/"+l.Name] == "" {
			tr.Errorf("message %q was refused: %v", l.Name, receipts[0].Err)
		}
	}
	f.stored = d.arrived(start)
	d.CloseOnce("close the mailbox", d.mailbox)
	d.CloseOnce("close the target", d.target)
	tr.throughSource(func(mailbox connector.SourceMailbox) { tr.compareFolder(d.target, mailbox, f) }, d.account)
}

// throughSource opens the source and the user's mailbox in it.
func (tr *trial) throughSource(f func(mailbox connector.SourceMailbox), user string) {
	tr.Helper()
	source, err := tr.store.OpenSource(tr.Ctx)
	tr.Must("open the source", err)
	defer func() { tr.Check("close the source", source.Close()) }()
	mailbox, err := source.Mailbox(tr.Ctx, user)
	tr.Must("open mailbox", err)
	defer func() { tr.Check("close mailbox", mailbox.Close()) }()
	f(mailbox)
}

// namesThroughBoth finds folders with odd names again through the Source, each
// with its own message.
func namesThroughBoth(tr *trial) {
	d := tr.desk()
	made := map[mail.Path]mail.Digest{}
	for i, names := range slices.Concat(reservedNames(), unicodeNames(), longNames()) {
		stored, _, _ := d.target.FolderName(mail.NewPath(names...), 0)
		if clash := slices.ContainsFunc(slices.Collect(maps.Keys(made)), func(p mail.Path) bool { return strings.EqualFold(string(p), string(stored)) }); clash {
			continue
		}
		d.path = stored
		tr.Must("create folder "+string(stored), d.mailbox.CreateFolder(tr.Ctx, mail.Folder{Path: stored}))
		d.deliver(post.Compose(i))
		made[stored] = d.digest(post.Compose(i))
	}
	d.CloseOnce("close the mailbox", d.mailbox)
	d.CloseOnce("close the target", d.target)
	tr.throughSource(func(mailbox connector.SourceMailbox) {
		folders, err := mailbox.Folders(tr.Ctx)
		tr.Must("list folders", err)
		tr.Ordered(folders)
		listed := check.Paths(folders)
		for path, digest := range made {
			if !slices.Contains(listed, path) {
				tr.Errorf("folder %q was made, and the source does not list it", path)
				continue
			}
			messages, err := check.Collect(mailbox.Messages(tr.Ctx, path))
			tr.Must("list messages", err)
			if len(messages) != 1 {
				tr.Errorf("folder %q holds one message, and the source lists %d", path, len(messages))
				continue
			}
			body, err := mailbox.Open(tr.Ctx, path, messages[0])
			tr.Must("open message", err)
			got, err := d.target.Fingerprint(tr.Ctx, body)
			tr.Must("digest message", err)
			tr.Check("close message", body.Close())
			if got != digest {
				tr.Errorf("folder %q holds another folder's message for the source", path)
			}
		}
	}, d.account)
}

// change appends a message to a folder.
func change(tr *trial, user string, path mail.Path, l post.Letter) {
	tr.Helper()
	target, err := tr.store.OpenTarget(tr.Ctx)
	tr.Must("open the target", err)
	mailbox, err := target.Mailbox(tr.Ctx, user)
	tr.Must("open mailbox", err)
	d := &desk{trial: tr, target: target, account: user, mailbox: mailbox, path: path, caps: target.Capabilities()}
	d.deliver(l)
	tr.Check("close mailbox", mailbox.Close())
	tr.Check("close the target", target.Close())
}

// changes alters flags and removes a message between listing and opening: the
// source follows the first and says that the second has vanished.
func changes(tr *trial) {
	f := tr.fill()[1]
	source, err := tr.store.OpenSource(tr.Ctx)
	tr.Must("open the source", err)
	defer func() { tr.Check("close the source", source.Close()) }()
	from, err := source.Mailbox(tr.Ctx, f.account)
	tr.Must("open mailbox", err)
	defer func() { tr.Check("close mailbox", from.Close()) }()
	messages, err := check.Collect(from.Messages(tr.Ctx, f.path))
	tr.Must("list messages", err)
	if len(messages) != len(f.letters) {
		tr.Fatalf("%d messages were written, and %d are read", len(f.letters), len(messages))
	}
	target := tr.open()
	to := tr.mailbox(target, f.account)
	last := len(f.stored) - 1
	tr.Must("remove the last message", to.Remove(tr.Ctx, f.path, f.stored[last].ID))
	body, err := from.Open(tr.Ctx, f.path, messages[last])
	if err == nil {
		_, err = io.Copy(io.Discard, body)
		_ = body.Close()
	}
	tr.WantClass("read a message that was removed after the listing", err, failure.Vanished)

	if target.Capabilities().Flags&mail.Flagged == 0 {
		return
	}
	was := f.stored[0].Flags
	tr.Must("set flags", to.SetFlags(tr.Ctx, f.path, f.stored[0].ID, was, mail.NewFlagSet(was.System|mail.Flagged, was.Keywords...)))
	body, err = from.Open(tr.Ctx, f.path, messages[0])
	tr.Must("open a message whose flags changed after the listing", err)
	digest, err := target.Fingerprint(tr.Ctx, body)
	tr.Must("digest message", err)
	tr.Check("close message", body.Close())
	if digest != f.digests[0] {
		tr.Errorf("a message whose flags changed after the listing reads differently")
	}
}
