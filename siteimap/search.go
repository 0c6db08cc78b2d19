package siteimap

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"waybill/failure"
	"waybill/siteimap/parts"
	"waybill/sitestore"
)

// found is a message that a search looks at, with what was read of it so far.
type found struct {
	message
	sitestore.Message
	session *session
	content *content
}

// key is one thing to search for. It may read the message.
type key func(m *found) (bool, error)

// Search is SEARCH (RFC 9051 6.4.4), with RETURN (RFC 4731, RFC 5182).
func (x *session) Search(kind imapserver.NumKind, criteria *imap.SearchCriteria, options *imap.SearchOptions) (*imap.SearchData, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	p := &searching{session: x}
	keys := p.keys(criteria)
	if p.err != nil {
		return nil, p.err
	}
	hits, err := x.hits(keys)
	if err != nil {
		return nil, refusal(err)
	}
	numbers := make([]uint32, len(hits))
	for i, m := range hits {
		if numbers[i] = m.seq; kind == imapserver.NumKindUID {
			numbers[i] = m.uid
		}
	}
	if options.ReturnSave {
		x.saved = uidsOf(hits)
	}
	d := &imap.SearchData{All: seqSet(numbers), Count: uint32(len(hits))}
	if kind == imapserver.NumKindUID {
		d.All = uidSet(numbers)
	}
	if n := len(numbers); n > 0 {
		d.Min, d.Max = numbers[0], numbers[n-1]
	}
	return d, nil
}

// hits are the messages that all keys are true for.
func (x *session) hits(keys []key) ([]message, error) {
	var hits []message
	all := make([]message, len(x.view.uids))
	for i, uid := range x.view.uids {
		all[i] = message{uint32(i + 1), uid}
	}
	for some := range slices.Chunk(all, readAtOnce) {
		if err := x.ctx.Err(); err != nil {
			return nil, err
		}
		messages, err := x.box.Messages(x.ctx, x.view.path, uidsOf(some))
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			i, _ := slices.BinarySearch(x.view.uids, m.UID)
			ok, err := every(keys, &found{message: message{uint32(i + 1), m.UID}, Message: m, session: x})
			switch {
			case err != nil && x.ctx.Err() != nil:
				return nil, err
			case err != nil && failure.ClassOf(err) != failure.Vanished:
				x.server.opt.Log(fmt.Sprintf("message %d in %q of %q cannot be searched: %v", m.UID, x.view.path, x.account, err))
			case err == nil && ok:
				hits = append(hits, message{uint32(i + 1), m.UID})
			}
		}
	}
	return hits, nil
}

func every(keys []key, m *found) (bool, error) {
	for _, k := range keys {
		if ok, err := k(m); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

// read gives the message's bytes.
func (m *found) read() (*content, error) {
	if m.content != nil {
		return m.content, nil
	}
	c, err := m.session.content(m.session.view.path, m.Message)
	m.content = c
	return c, err
}

// header gives the values of a field, decoded.
func (m *found) header(name string) ([]string, error) {
	c, err := m.read()
	if err != nil {
		return nil, err
	}
	root, err := c.header(m.session.ctx)
	if err != nil {
		return nil, err
	}
	var values []string
	for _, f := range parts.Fields(root.Raw) {
		if strings.EqualFold(parts.FieldName(f), name) {
			values = append(values, parts.DecodeHeader(parts.FieldValue(f)))
		}
	}
	return values, nil
}

// contains looks for a text in the message: in its header if that is asked for,
// and in the text of its parts, decoded.
func (m *found) contains(text string, header bool) (bool, error) {
	c, err := m.read()
	if err != nil {
		return false, err
	}
	root, err := c.structure(m.session.ctx)
	if err != nil {
		return false, err
	}
	want := parts.Fold(text)
	if header && strings.Contains(parts.Fold(parts.DecodeHeader(string(root.Raw))), want) {
		return true, nil
	}
	return m.partContains(root, want)
}

func (m *found) partContains(e *parts.Part, want string) (bool, error) {
	inside := e.Children
	if e.Message != nil {
		if strings.Contains(parts.Fold(parts.DecodeHeader(string(e.Message.Raw))), want) {
			return true, nil
		}
		inside = []*parts.Part{e.Message}
	}
	for _, child := range inside {
		if ok, err := m.partContains(child, want); err != nil || ok {
			return ok, err
		}
	}
	text, ok := e.Text()
	if len(inside) > 0 || !ok {
		return false, nil
	}
	if held := m.content.held; held != nil {
		return parts.Scan(text.Decoded(bytes.NewReader(held[e.Body.Start:e.Body.End])), want, e.Body.Size()), nil
	}
	f := parts.NewFinder(want, text)
	err := m.content.write(m.session.ctx, f, e.Body)
	hit := f.Ends()
	if err != nil && !errors.Is(err, parts.ErrEnough) {
		return false, err
	}
	return hit, nil
}
