package unwrap

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strings"

	"waybill/failure"
	"waybill/format/mapi"
	"waybill/format/mapiitem"
	"waybill/format/mapimail"
	"waybill/format/mime"
	"waybill/format/tnef"
	"waybill/mail"
)

// content is what is in a stream of TNEF.
type content struct {
	message *mime.Message // without a header
	notes   []mail.Note
	summary string
}

// open reads a stream of TNEF.
func open(ctx context.Context, s *spool, where string) (*content, error) {
	m, err := tnef.Open(ctx, s, s.size, where)
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	if _, err := io.Copy(h, s.section(0, s.size)); err != nil {
		return nil, spoolError(err)
	}
	c := &content{message: &mime.Message{Seed: hex.EncodeToString(h.Sum(nil))}}
	for _, d := range m.Defects() {
		c.notes = append(c.notes, mail.Note{Kind: failure.RuleOf(d), Text: d.Error()})
	}
	if kind := mapiitem.KindOf(m.Props().Text(mapi.MessageClass)); kind != 0 && !isMeeting(m) {
		i, err := mapiitem.Convert(ctx, m, mapiitem.Options{Key: c.message.Seed, Where: where})
		if err != nil {
			return nil, err
		}
		c.message.Root = &mime.Entity{Type: "multipart/mixed", Parts: i.Parts()}
		c.notes = append(c.notes, i.Notes...)
		c.summary = "a " + kind.String()
		return c, nil
	}
	made, err := mapimail.Convert(ctx, m, mapimail.Options{Where: where, Item: item(where), Calendar: calendar(where)})
	if err != nil {
		return nil, err
	}
	for _, n := range made.Notes {
		if !ofHeader(n.Kind) {
			c.notes = append(c.notes, n)
		}
	}
	if c.message.Root = made.Root(); c.message.Root == nil {
		// A signed message is one thing with its header.
		c.message.Root = &mime.Entity{Type: "message/rfc822", Message: true, Size: -1,
			Open: func(ctx context.Context) (io.ReadCloser, error) { return made.Open(ctx), nil }}
	}
	attached, err := m.Attachments(ctx)
	if err != nil {
		c.notes = append(c.notes, mail.Note{Kind: failure.RuleOf(err), Text: err.Error()})
	}
	c.summary = fmt.Sprintf("a message with %d attachments", len(attached))
	return c, nil
}

// ofHeader tells which notes are about the header and the marks of the message that
// TNEF holds. Those of the message around it stand, so that nothing came of these.
func ofHeader(kind string) bool {
	return strings.HasPrefix(kind, "address-") || slices.Contains([]string{"sender-unknown", "keyword-renamed", "categories-too-many", "receipt-disarmed", "recipients-unreadable", "recipient-empty", "header-line", "header-too-long", "header-unreadable"}, kind)
}

func isMeeting(m mapi.Message) bool {
	class := strings.ToUpper(m.Props().Text(mapi.MessageClass))
	return strings.HasPrefix(class, "IPM.SCHEDULE.MEETING") || strings.HasPrefix(class, "IPM.TASKREQUEST")
}

// item converts what is embedded and no mail.
func item(where string) func(context.Context, mapi.Message) ([]*mime.Entity, []mail.Note, error) {
	return func(ctx context.Context, m mapi.Message) ([]*mime.Entity, []mail.Note, error) {
		i, err := mapiitem.Convert(ctx, m, mapiitem.Options{Where: where})
		if i == nil || err != nil {
			return nil, nil, err
		}
		return i.Parts(), i.Notes, nil
	}
}

// calendar converts a message about a meeting.
func calendar(where string) func(context.Context, mapi.Message) (*mime.Entity, []mail.Note, error) {
	return func(ctx context.Context, m mapi.Message) (*mime.Entity, []mail.Note, error) {
		i, err := mapiitem.Convert(ctx, m, mapiitem.Options{Where: where})
		if i == nil || err != nil {
			return nil, nil, err
		}
		return i.Part(), i.Notes, nil
	}
}
