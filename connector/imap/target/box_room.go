package target

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"waybill/connector"
	"waybill/connector/imap/server"
	"waybill/failure"
	"waybill/imap"
)

// digestOfFolders tells a mailbox by the names, UIDVALIDITYs and sizes of its
// folders and by one message's header. Two new mailboxes may agree in all of that, so that one without mail
// is not told.
func (b *targetBox) digestOfFolders(ctx context.Context, x *server.Session) (string, error) {
	items, err := b.listed(ctx, x)
	if err != nil {
		return "", b.t.fail("list folders", b.account, err)
	}
	var folders []string
	for _, it := range items {
		if !server.Attribute(it, `\Noselect`, `\NonExistent`) {
			folders = append(folders, server.Address(it))
		}
	}
	slices.SortFunc(folders, compareFold)
	results, err := x.Status(ctx, folders, "UIDVALIDITY", "UIDNEXT", "MESSAGES")
	if err != nil {
		return "", b.t.fail("tell which mailbox this is", b.account, err)
	}
	sum := sha256.New()
	messages, filled := int64(0), ""
	for i, r := range results {
		if r.Err != nil {
			return "", nil // a folder that cannot be looked at tells nothing
		}
		if r.Messages > 0 && filled == "" {
			filled = folders[i]
		}
		messages += max(r.Messages, 0)
		// The prefix depends on who looks.
		_, _ = fmt.Fprintf(sum, "%q %d %d %d\n", strings.TrimPrefix(folders[i], b.Rules.Prefix), r.UIDValidity, r.UIDNext, r.Messages)
	}
	if messages == 0 {
		return "", nil
	}
	// Accounts that a script made in one second, with a greeting in each, agree so
	// far; the newest header does not.
	b.writer.folder = ""
	open, err := x.Select(ctx, filled, imap.SelectOptions{ReadOnly: true})
	if err != nil {
		return "", b.t.explain(ctx, x, filled, b.account, "tell which mailbox this is", err)
	}
	if open.Exists == 0 {
		return "", nil
	}
	last := uint32(open.Exists)
	s := x.Fetch(ctx, imap.FetchRequest{Sequence: imap.UIDSet{{First: last, Last: last}}, Header: true})
	for {
		it, err := s.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil && it.Body != nil {
			_, err = io.Copy(sum, it.Body)
		}
		if err != nil {
			return "", b.t.fail("tell which mailbox this is", b.account, errors.Join(err, s.Close()))
		}
	}
	return "folders " + hex.EncodeToString(sum.Sum(nil)[:16]), nil
}

// Room asks for the inbox's quota (RFC 9208), which counts in units of 1024
// bytes. Of several quotas that bound the inbox the narrowest counts.
func (b *targetBox) Room(ctx context.Context) (connector.Room, error) {
	room := connector.Room{Quota: -1, Used: -1, MaxMessage: -1}
	if limit := b.t.limit(); limit > 0 {
		room.MaxMessage = limit
	}
	x, done, err := b.command(ctx)
	if err != nil {
		return room, err
	}
	defer done()
	if limit, ok := x.AppendLimit(); ok && (room.MaxMessage < 0 || limit < room.MaxMessage) {
		room.MaxMessage = limit
	}
	if !x.Has("QUOTA") {
		return room, nil
	}
	quotas, err := x.QuotaRoot(ctx, b.Rules.Inbox)
	if err != nil {
		if x.Broken() != nil || failure.ClassOf(err) == failure.Cancelled {
			return room, b.t.fail("ask for the quota", b.account, err)
		}
		if _, said := errors.AsType[*imap.StatusError](err); said {
			return room, nil // a server may keep its quotas to itself
		}
		return room, b.t.fail("ask for the quota", b.account, err)
	}
	for _, q := range quotas {
		storage, ok := q.Resources["STORAGE"]
		if !ok || storage.Limit < 0 || storage.Limit > 1<<52 {
			continue
		}
		left := (storage.Limit - storage.Used) << 10
		if room.Quota < 0 || left < room.Quota-room.Used {
			room.Quota, room.Used = storage.Limit<<10, max(storage.Used, 0)<<10
		}
	}
	return room, nil
}
