package tree

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"

	"waybill/connector"
	"waybill/failure"
	"waybill/mail"
)

// mailbox is one user's mailboxes in several parts.
type mailbox struct {
	user  string
	parts []box

	mu sync.Mutex
	// holders are the parts that have messages in a folder; nil until the
	// folders were listed.
	holders map[mail.Path][]box
}

type box struct {
	name string
	connector.SourceMailbox
}

// Folders lists the folders of the first part, then those that each next part
// adds. A folder is a container when it is one in every part that has it.
func (b *mailbox) Folders(ctx context.Context) ([]mail.Folder, error) {
	var all []mail.Folder
	index := map[mail.Path]int{}
	holders := map[mail.Path][]box{}
	for _, p := range b.parts {
		list, err := p.Folders(ctx)
		if err != nil {
			return nil, err
		}
		for _, f := range list {
			if !f.Container {
				holders[f.Path] = append(holders[f.Path], p)
			}
			i, known := index[f.Path]
			if !known {
				index[f.Path] = len(all)
				all = append(all, f)
				continue
			}
			have := &all[i]
			have.Container = have.Container && f.Container
			have.Subscribed = have.Subscribed || f.Subscribed
			if have.Use == mail.NoUse {
				have.Use = f.Use
			}
			have.Notes = slices.Concat(have.Notes, f.Notes)
		}
	}
	b.mu.Lock()
	b.holders = holders
	b.mu.Unlock()
	return all, nil
}

// having returns the parts that have messages in a folder, in their order.
func (b *mailbox) having(ctx context.Context, op string, path mail.Path) ([]box, error) {
	b.mu.Lock()
	holders := b.holders
	b.mu.Unlock()
	if holders[path] == nil {
		if _, err := b.Folders(ctx); err != nil {
			return nil, err
		}
		b.mu.Lock()
		holders = b.holders
		b.mu.Unlock()
	}
	if holders[path] == nil {
		return nil, failure.New(failure.Vanished, op, b.user+" "+string(path), "tree.no-folder", nil)
	}
	return holders[path], nil
}

// Census adds up the parts. What one of them does not know is not known.
func (b *mailbox) Census(ctx context.Context, path mail.Path, exact bool) (connector.Census, error) {
	parts, err := b.having(ctx, "count messages", path)
	if err != nil {
		return connector.Census{}, err
	}
	var sum connector.Census
	var states strings.Builder
	known := true
	for _, p := range parts {
		c, err := p.Census(ctx, path, exact)
		if err != nil {
			return connector.Census{}, err
		}
		sum.Messages = plus(sum.Messages, c.Messages)
		sum.Bytes = plus(sum.Bytes, c.Bytes)
		known = known && c.State != ""
		fmt.Fprintf(&states, "%q=%q ", p.name, c.State)
	}
	if known {
		sum.State = states.String()
	}
	return sum, nil
}

func plus(a, b int64) int64 {
	if a < 0 || b < 0 {
		return -1
	}
	return a + b
}

// Messages lists the folder in one part after the other. A part whose listing
// breaks off does not keep the others from being read; its error ends the whole.
func (b *mailbox) Messages(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		parts, err := b.having(ctx, "list messages", path)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		var broken []error
		for _, p := range parts {
			for m, err := range p.Messages(ctx, path) {
				if err != nil && m.Key == "" {
					broken = append(broken, err)
					break
				}
				m.Key = outerKey(p.name, m.Key)
				if !yield(m, err) {
					return
				}
			}
			if ctx.Err() != nil {
				break
			}
		}
		if err := ctx.Err(); err != nil && len(broken) == 0 {
			broken = append(broken, failure.New(failure.Cancelled, "list messages", b.user+" "+string(path), "tree.cancelled", err))
		}
		if len(broken) > 0 {
			yield(mail.Message{}, errors.Join(broken...))
		}
	}
}

// Open opens the message in the part that its key names.
func (b *mailbox) Open(ctx context.Context, path mail.Path, m mail.Message) (io.ReadCloser, error) {
	for _, p := range b.parts {
		inner, ok := strings.CutPrefix(m.Key, p.name+":")
		if !ok {
			continue
		}
		if strings.HasPrefix(inner, "#") {
			found, err := p.search(ctx, path, m)
			if err != nil {
				return nil, err
			}
			inner = found
		}
		m.Key = inner
		return p.Open(ctx, path, m)
	}
	if err := ctx.Err(); err != nil {
		return nil, failure.New(failure.Cancelled, "open message", b.user+" "+string(path), "tree.cancelled", err)
	}
	return nil, gone(b.user+" "+string(path), m.Key)
}

// Close closes the mailbox in all parts.
func (b *mailbox) Close() error {
	var errs []error
	for _, p := range b.parts {
		errs = append(errs, p.Close())
	}
	return errors.Join(errs...)
}

// maxKey is the length of a key that the contract allows, in bytes.
const maxKey = 255

// outerKey puts the name of the part before a key, so that keys stay unique in a
// folder that several parts have, and stay the same when another part comes by
// that folder later. A key that would be too long is told by its digest.
func outerKey(part, key string) string {
	outer := part + ":" + key
	if len(outer) <= maxKey && !strings.HasPrefix(key, "#") {
		return outer
	}
	sum := sha256.Sum256([]byte(key))
	return part + ":#" + hex.EncodeToString(sum[:])
}

// search finds the key behind a digest, by listing the folder.
func (p box) search(ctx context.Context, path mail.Path, m mail.Message) (string, error) {
	for listed, err := range p.Messages(ctx, path) {
		if listed.Key != "" && outerKey(p.name, listed.Key) == m.Key {
			return listed.Key, nil
		}
		if err != nil && listed.Key == "" {
			return "", err
		}
	}
	return "", gone(string(path), m.Key)
}

func gone(where, key string) error {
	return failure.New(failure.Vanished, "open message", where+" "+key, "tree.no-message", nil)
}
