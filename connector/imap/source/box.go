package source

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/imap"
	"waybill/mail"
)

// sourceBox reads one user's mailbox over one connection.
type sourceBox struct {
	source *source
	user   string
	link   *sourceLink

	// What follows is guarded by the link's lock.

	// folders are as listed last; byPath finds them.
	folders []*sourceFolder
	byPath  map[mail.Path]*sourceFolder
	fresh   bool // the listing was made by begin and nobody has seen it
}

// sourceFolder is a folder with its name on the server.
type sourceFolder struct {
	mail.Folder

	name string // as it is addressed
	// label is what Gmail calls the folder in X-GM-LABELS; views are folders that
	// only show what is in others.
	label string
	view  bool
	// status is what the listing told beside the name. It serves one Census: the
	// next one wants to know what is there by then.
	status *imap.Status
}

// begin logs on and lists the folders, so that a mailbox that is not there, or
// not to be read, is known before anything else.
func (b *sourceBox) begin(ctx context.Context) error {
	if err := b.link.lock(ctx, "open mailbox", b.user); err != nil {
		return err
	}
	defer b.link.unlock()
	x, err := b.link.connected(ctx)
	if err != nil {
		return err
	}
	if err := b.list(ctx, x); err != nil {
		return err
	}
	b.fresh = true
	return nil
}

func (b *sourceBox) Folders(ctx context.Context) ([]mail.Folder, error) {
	if err := b.link.lock(ctx, "list folders", b.user); err != nil {
		return nil, err
	}
	defer b.link.unlock()
	if !b.fresh {
		x, err := b.link.connected(ctx)
		if err != nil {
			return nil, err
		}
		if err := b.link.leave(ctx, x); err != nil {
			return nil, err
		}
		if err := b.list(ctx, x); err != nil {
			return nil, err
		}
	}
	b.fresh = false
	folders := make([]mail.Folder, 0, len(b.folders))
	for _, f := range b.folders {
		if !b.hidden(f) {
			folders = append(folders, f.Folder)
		}
	}
	return folders, nil
}

// find is a listed folder that can hold messages.
func (b *sourceBox) find(op string, path mail.Path) (*sourceFolder, error) {
	f := b.byPath[path]
	if f == nil || f.Container || b.hidden(f) {
		return nil, failure.New(failure.Vanished, op, b.user+" "+string(path), "imap.folder", errors.New("there is no such folder with messages"))
	}
	return f, nil
}

// Identity is the mailbox's own identifier (RFC 8474), or else a digest of what
// changes with every mailbox: UIDVALIDITY and UIDNEXT of its folders.
func (b *sourceBox) Identity(ctx context.Context) (string, error) {
	const op = "identify mailbox"
	if err := b.link.lock(ctx, op, b.user); err != nil {
		return "", err
	}
	defer b.link.unlock()
	x, err := b.link.connected(ctx)
	if err != nil {
		return "", err
	}
	if err := b.link.leave(ctx, x); err != nil {
		return "", err
	}
	item := identifier(x, b.source.server)
	if inbox := b.byPath[mail.Inbox]; inbox != nil && item != "" {
		results, err := x.Status(ctx, []string{inbox.name}, item)
		if err != nil {
			return "", b.source.fail(ctx, op, b.user, err)
		}
		if len(results) == 1 && results[0].Err == nil && results[0].MailboxID != "" {
			return "id " + results[0].MailboxID, nil
		}
	}
	return b.digest(ctx, x, op)
}

// identifier is the item of STATUS that identifies a mailbox; "" where there is
// none. Dovecot had one of its own before RFC 8474.
func identifier(x *server.Session, s *server.Server) string {
	switch {
	case x.Has("OBJECTID"):
		return "MAILBOXID"
	case s.Flavour() == "dovecot":
		return "X-GUID"
	default:
		return ""
	}
}

func (b *sourceBox) digest(ctx context.Context, x *server.Session, op string) (string, error) {
	var addressed []string
	var real []*sourceFolder
	for _, f := range b.folders {
		if !f.Container {
			addressed, real = append(addressed, f.name), append(real, f)
		}
	}
	results, err := x.Status(ctx, addressed, "MESSAGES", "UIDNEXT", "UIDVALIDITY")
	if err != nil {
		return "", b.source.fail(ctx, op, b.user, err)
	}
	h := sha256.New()
	var messages int64
	var filled *sourceFolder
	for i, r := range results {
		if r.Err != nil {
			continue // told when the folder is read
		}
		if messages += max(r.Messages, 0); r.Messages > 0 && filled == nil {
			filled = real[i]
		}
		_, _ = fmt.Fprintf(h, "%q %d %d %d\n", addressed[i], r.UIDValidity, r.UIDNext, r.Messages)
	}
	if messages == 0 {
		return "", nil // every empty mailbox looks like this
	}
	// Mailboxes that were made in one second, with a greeting in each, agree so
	// far; the newest header does not.
	if err := b.newest(ctx, filled, h); err != nil {
		return "", b.source.fail(ctx, op, b.user, err)
	}
	return "state " + hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// newest writes the header of a folder's newest message.
func (b *sourceBox) newest(ctx context.Context, f *sourceFolder, to io.Writer) error {
	x, err := b.link.examine(ctx, f, true)
	if err != nil {
		return err
	}
	last := uint32(b.link.state.Exists)
	if last == 0 {
		return b.link.leave(ctx, x)
	}
	s := x.Fetch(ctx, imap.FetchRequest{Sequence: imap.UIDSet{{First: last, Last: last}}, Header: true})
	for {
		it, err := s.Next()
		if errors.Is(err, io.EOF) {
			return b.link.leave(ctx, x)
		}
		if err == nil && it.Body != nil {
			_, err = io.Copy(to, it.Body)
		}
		if err != nil {
			return errors.Join(err, s.Close())
		}
	}
}

func (b *sourceBox) Close() error {
	b.link.close()
	return nil
}

// keyOf is the place of a message: UIDs mean something together with their
// folder's UIDVALIDITY only (RFC 9051 2.3.1.1).
func keyOf(validity, uid uint32) string {
	return strconv.FormatUint(uint64(validity), 10) + "." + strconv.FormatUint(uint64(uid), 10)
}

// parseKey reads what keyOf wrote.
func parseKey(key string) (validity, uid uint32, ok bool) {
	left, right, dot := strings.Cut(key, ".")
	v, err := strconv.ParseUint(left, 10, 32)
	u, err2 := strconv.ParseUint(right, 10, 32)
	if !dot || err != nil || err2 != nil || v == 0 || u == 0 {
		return 0, 0, false
	}
	return uint32(v), uint32(u), keyOf(uint32(v), uint32(u)) == key
}

// count is how many UIDs a set holds.
func count(set imap.UIDSet) int64 {
	var n int64
	for _, r := range set {
		if r.Last >= r.First {
			n += int64(r.Last) - int64(r.First) + 1
		}
	}
	return n
}

// holds reports whether a set holds a UID.
func holds(set imap.UIDSet, uid uint32) bool {
	return slices.ContainsFunc(set, func(r imap.UIDRange) bool { return r.First <= uid && uid <= r.Last })
}
