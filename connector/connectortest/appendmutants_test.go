package connectortest_test

import (
	"bytes"
	"context"
	"io"
	"iter"
	"slices"
	"sync"

	"waybill/connector"
	"waybill/connector/fake"
	"waybill/mail"
)

func appendMutants() []mutant {
	type batch = []connector.Item
	var mu sync.Mutex
	lastOpened := map[mail.Path]*wrappedBox{}
	return []mutant{
		{name: "duplicate lost", found: "append/duplicates", box: func(b *wrappedBox) {
			b.append = func(ctx context.Context, path mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
				receipts := make([]connector.Receipt, len(items))
				for i := range items {
					if i > 0 && items[i].Key == items[i-1].Key {
						receipts[i] = receipts[i-1]
						continue
					}
					one, err := b.TargetMailbox.Append(ctx, path, at, items[i:i+1])
					if err != nil {
						return nil, err
					}
					receipts[i] = one[0]
				}
				return receipts, nil
			}
		}},
		{name: "sent twice", found: "append/duplicates", box: func(b *wrappedBox) {
			b.append = func(ctx context.Context, path mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
				if _, err := b.TargetMailbox.Append(ctx, path, at, items[:min(1, len(items))]); err != nil {
					return nil, err
				}
				return b.TargetMailbox.Append(ctx, path, at, items)
			}
		}},
		{name: "order reversed", found: "append/order", box: func(b *wrappedBox) {
			b.append = func(ctx context.Context, path mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
				turned := slices.Clone(items)
				slices.Reverse(turned)
				receipts, err := b.TargetMailbox.Append(ctx, path, at, turned)
				slices.Reverse(receipts)
				return receipts, err
			}
		}},
		{name: "receipts exchanged", found: "append/receipts", box: func(b *wrappedBox) {
			b.append = func(ctx context.Context, path mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
				receipts, err := b.TargetMailbox.Append(ctx, path, at, items)
				slices.Reverse(receipts)
				return receipts, err
			}
		}},
		{name: "torn pieces stored", found: "append/broken-reader", box: func(b *wrappedBox) {
			b.append = func(ctx context.Context, path mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
				changed := slices.Clone(items)
				for i := range changed {
					open := changed[i].Open
					changed[i].Open = func(ctx context.Context) (io.ReadCloser, error) {
						r, err := open(ctx)
						if err != nil {
							return nil, err
						}
						body, _ := io.ReadAll(r)
						return io.NopCloser(bytes.NewReader(body)), nil
					}
				}
				return b.TargetMailbox.Append(ctx, path, at, changed)
			}
		}},
		{name: "batch stopped by one item", found: "append/open-fails", box: func(b *wrappedBox) {
			b.append = func(ctx context.Context, path mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
				receipts := make([]connector.Receipt, len(items))
				var broken error
				for i := range items {
					if broken != nil {
						receipts[i].Err = broken
						continue
					}
					one, err := b.TargetMailbox.Append(ctx, path, at, items[i:i+1])
					if err != nil {
						return nil, err
					}
					receipts[i], broken = one[0], one[0].Err
				}
				return receipts, nil
			}
		}},
		{name: "kept until the next call", found: "crash/after-each-call", options: fake.Options{Silent: true}, box: func(b *wrappedBox) {
			waiting, where := batch{}, mail.Path("")
			flush := func(ctx context.Context) {
				if len(waiting) > 0 {
					_, _ = b.TargetMailbox.Append(ctx, where, "", waiting)
				}
				waiting = nil
			}
			b.position = func(ctx context.Context, path mail.Path) (connector.Position, error) {
				flush(ctx)
				return b.TargetMailbox.Position(ctx, path)
			}
			b.arrived = func(ctx context.Context, path mail.Path, since connector.Position) iter.Seq2[connector.Stored, error] {
				flush(ctx)
				return b.TargetMailbox.Arrived(ctx, path, since)
			}
			b.append = func(ctx context.Context, path mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
				waiting, where = items, path
				return make([]connector.Receipt, len(items)), nil
			}
		}},
		{name: "mailboxes mixed up", found: "append/two-mailboxes", box: func(b *wrappedBox) {
			b.append = func(ctx context.Context, path mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
				mu.Lock()
				defer mu.Unlock()
				last := lastOpened[path]
				if last == nil {
					last = b
				}
				lastOpened[path] = b
				return last.TargetMailbox.Append(ctx, path, at, items)
			}
		}},
		{name: "empty message padded", found: "content/empty", box: rewrite(func(body []byte) []byte {
			if len(body) == 0 {
				return []byte("\r\n")
			}
			return body
		})},
		{name: "lines normalised", found: "content/LF-lines", box: rewrite(func(body []byte) []byte {
			return bytes.ReplaceAll(bytes.ReplaceAll(body, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
		})},
		{name: "cut at NUL", found: "content/NUL", box: rewrite(func(body []byte) []byte { before, _, _ := bytes.Cut(body, []byte{0}); return before })},
		{name: "From lines quoted", found: "content/from-lines", box: rewrite(func(body []byte) []byte {
			return bytes.ReplaceAll(body, []byte("\nFrom "), []byte("\n>From "))
		})},
		{name: "final newline added", found: "content/no-final-newline", box: rewrite(func(body []byte) []byte {
			if bytes.HasSuffix(body, []byte("\n")) {
				return body
			}
			return append(body, '\n')
		})},
		{name: "8-bit lost", found: "content/8-bit", box: rewrite(func(body []byte) []byte { return bytes.ToValidUTF8(body, []byte("?")) })},
	}
}
