package site

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
	"waybill/rights"
	"waybill/sitestore"
)

type target struct{ *base }

func (t *target) Accounts(ctx context.Context) iter.Seq2[directory.User, error] {
	return (&source{t.base}).Users(ctx)
}

func (t *target) CreateAccount(ctx context.Context, u directory.User) error {
	if err := t.session.MayCreateAccount(ctx, u.Kind); err != nil {
		return err
	}
	return t.store.AddAccount(ctx, u)
}

func (t *target) DeleteAccount(ctx context.Context, id string) error {
	if err := t.session.MayDeleteAccount(ctx); err != nil {
		return err
	}
	return t.store.RemoveAccount(ctx, id)
}

func (t *target) CreateContact(ctx context.Context, c directory.Contact) error {
	if err := t.session.MayCreateEntry(ctx); err != nil {
		return err
	}
	return t.store.AddContact(ctx, c)
}

func (t *target) CreateList(ctx context.Context, l directory.List) error {
	if err := t.session.MayCreateEntry(ctx); err != nil {
		return err
	}
	return t.store.AddList(ctx, l)
}

// FolderName keeps every name as it is. Names that differ in letter case alone
// are different here; who asks again all the same gets a number.
func (t *target) FolderName(path mail.Path, attempt int) (mail.Path, string, []mail.Note) {
	names := path.Names()
	if attempt <= 0 || len(names) == 0 {
		return path, shown(path), nil
	}
	names[len(names)-1] += fmt.Sprintf(" (%d)", attempt+1)
	stored := mail.NewPath(names...)
	return stored, shown(stored), []mail.Note{{Kind: "folder-renamed", Text: fmt.Sprintf("folder %q is called %q", path, stored)}}
}

// shown is a path without bytes that are no text.
func shown(path mail.Path) string { return strings.ToValidUTF8(string(path), "\uFFFD") }

func (t *target) Probe(ctx context.Context) ([]rights.Finding, error) { return t.session.Probe(ctx) }

// Fingerprint is the SHA-256 of all bytes.
func (t *target) Fingerprint(ctx context.Context, message io.Reader) (mail.Digest, error) {
	var digest mail.Digest
	if err := ended(ctx, "digest message", t.location); err != nil {
		return digest, err
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, message); err != nil {
		return digest, err
	}
	sum.Sum(digest[:0])
	return digest, nil
}

func (t *target) Mailbox(ctx context.Context, account string) (connector.TargetMailbox, error) {
	m, err := t.session.Mailbox(ctx, account, true)
	if err != nil {
		return nil, err
	}
	return &targetMailbox{m}, nil
}

type targetMailbox struct{ m *sitestore.Mailbox }

func (b *targetMailbox) Folders(ctx context.Context) ([]mail.Folder, error) { return folders(ctx, b.m) }

func (b *targetMailbox) CreateFolder(ctx context.Context, f mail.Folder) error {
	return b.m.CreateFolder(ctx, f)
}

func (b *targetMailbox) DeleteFolder(ctx context.Context, folder mail.Path) error {
	return b.m.DeleteFolder(ctx, folder)
}

// Position is UIDVALIDITY and UIDNEXT.
func (b *targetMailbox) Position(ctx context.Context, folder mail.Path) (connector.Position, error) {
	f, err := b.m.Folder(ctx, folder)
	if err != nil {
		return "", err
	}
	return connector.Position(fmt.Sprintf("%d/%d", f.UIDValidity, f.UIDNext)), nil
}

func parsePosition(op string, folder mail.Path, at connector.Position) (validity, next uint32, err error) {
	v, n, ok := strings.Cut(string(at), "/")
	a, errA := strconv.ParseUint(v, 10, 32)
	b, errB := strconv.ParseUint(n, 10, 32)
	if !ok || errA != nil || errB != nil || a == 0 {
		return 0, 0, failure.New(failure.Usage, op, string(folder), "site.position",
			fmt.Errorf("%q is not a position of a site", at))
	}
	return uint32(a), uint32(b), nil
}

func (b *targetMailbox) Append(ctx context.Context, folder mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
	validity, _, err := parsePosition("append", folder, at)
	if err != nil {
		return nil, err
	}
	incoming := make([]sitestore.Incoming, len(items))
	for i, item := range items {
		incoming[i] = sitestore.Incoming{Flags: item.Flags, Date: item.InternalDate, Open: item.Open}
	}
	outcomes, err := b.m.Append(ctx, folder, validity, incoming)
	if err != nil {
		return nil, err
	}
	receipts := make([]connector.Receipt, len(outcomes))
	for i, o := range outcomes {
		if o.Err != nil {
			receipts[i].Err = o.Err
			continue
		}
		receipts[i].ID = key(o.UID)
		receipts[i].Notes = dateNotes(items[i])
	}
	return receipts, nil
}

// dateNotes tells of an internal date that was moved to the nearest that can be
// kept.
func dateNotes(item connector.Item) []mail.Note {
	d := item.InternalDate
	if d.IsZero() || !d.Before(sitestore.EarliestDate()) && !d.After(sitestore.LatestDate()) {
		return nil
	}
	return []mail.Note{{Kind: "date-out-of-range", Text: "the internal date is outside the years 1 to 9999; the nearest date was kept"}}
}

func (b *targetMailbox) Arrived(ctx context.Context, folder mail.Path, since connector.Position) iter.Seq2[connector.Stored, error] {
	const op = "look for arrivals"
	return func(yield func(connector.Stored, error) bool) {
		validity, next, err := parsePosition(op, folder, since)
		if err != nil {
			yield(connector.Stored{}, err)
			return
		}
		f, err := b.m.Folder(ctx, folder)
		if err == nil && f.UIDValidity != validity {
			err = failure.New(failure.Conflict, op, string(folder), "site.uidvalidity",
				errors.New("the folder was made anew since that position was taken"))
		}
		if err != nil {
			yield(connector.Stored{}, err)
			return
		}
		for m, err := range listed(ctx, b.m, folder, next) {
			if err != nil {
				yield(connector.Stored{}, err)
				return
			}
			if !yield(stored(m), nil) {
				return
			}
		}
	}
}

func stored(m sitestore.Message) connector.Stored {
	return connector.Stored{ID: key(m.UID), Size: m.Size, InternalDate: m.Date, Flags: m.Flags}
}

func (b *targetMailbox) Open(ctx context.Context, folder mail.Path, id string) (connector.Stored, io.ReadCloser, error) {
	uid, err := parseKey("open message", folder, id)
	if err != nil {
		return connector.Stored{}, nil, err
	}
	m, body, err := b.m.Open(ctx, folder, uid)
	if err != nil {
		return connector.Stored{}, nil, err
	}
	return stored(m), body, nil
}

func (b *targetMailbox) SetFlags(ctx context.Context, folder mail.Path, id string, was, want mail.FlagSet) error {
	uid, err := parseKey("set flags", folder, id)
	if err != nil {
		return err
	}
	return b.m.SetFlags(ctx, folder, uid, was, want)
}

func (b *targetMailbox) Remove(ctx context.Context, folder mail.Path, id string) error {
	uid, err := parseKey("remove message", folder, id)
	if err != nil {
		return err
	}
	return b.m.Expunge(ctx, folder, uid)
}

func (b *targetMailbox) Close() error { return b.m.Close() }
