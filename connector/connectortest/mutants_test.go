package connectortest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"

	"waybill/connector"
	"waybill/connector/fake"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

// mutant is a connector with one fault that the suite must find.
type mutant struct {
	name    string
	found   string // the case that finds it
	options fake.Options
	target  func(*wrappedTarget)
	box     func(*wrappedBox)
	source  func(*wrappedSource)
	reader  func(*wrappedReader)
	// untidy makes the source write into the store's directory.
	untidy bool
	// huge runs the case that the fake otherwise skips.
	huge bool
}

// rewrite changes the bytes of every item with f.
func rewrite(f func([]byte) []byte) func(*wrappedBox) {
	return func(b *wrappedBox) {
		b.append = func(ctx context.Context, path mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
			changed := slices.Clone(items)
			for i := range changed {
				open := changed[i].Open
				changed[i].Open = func(ctx context.Context) (io.ReadCloser, error) {
					r, err := open(ctx)
					if err != nil {
						return nil, err
					}
					body, err := io.ReadAll(r)
					if err != nil {
						return nil, err
					}
					return io.NopCloser(bytes.NewReader(f(body))), nil
				}
			}
			return b.TargetMailbox.Append(ctx, path, at, changed)
		}
	}
}

// deaf makes a call deaf to its context.
func deaf(ctx context.Context) context.Context { return context.WithoutCancel(ctx) }

// quiet turns an error that ends a listing into a silent end.
func quiet[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for v, err := range seq {
			if err != nil || !yield(v, nil) {
				return
			}
		}
	}
}

func backwards[T any](seq iter.Seq2[T, error]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var all []T
		for v, err := range seq {
			if err != nil {
				yield(v, err)
				return
			}
			all = append(all, v)
		}
		for _, v := range slices.Backward(all) {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func targetMutants() []mutant {
	limited := fake.New(fake.Options{}).Target().Capabilities()
	limited.MaxMessage = 4096
	return []mutant{
		{name: "keywords dropped", found: "flags/keywords", options: fake.Options{DropKeywords: true}},
		{name: "dates dropped", found: "dates", options: fake.Options{DropDates: true}},
		{name: "case ignored", found: "names/case", options: fake.Options{IgnoreCase: true}, target: func(w *wrappedTarget) {
			w.name = func(path mail.Path, _ int) mail.Path { return path }
		}},
		{name: "names flattened", found: "names/inside", target: func(w *wrappedTarget) {
			w.name = func(path mail.Path, _ int) mail.Path { return mail.NewPath(strings.Join(path.Names(), ".")) }
		}},
		{name: "names cut", found: "names/long", target: func(w *wrappedTarget) {
			w.name = func(path mail.Path, _ int) mail.Path { return path[:min(len(path), 64)] }
		}},
		{name: "accounts unordered", found: "accounts/create", target: func(w *wrappedTarget) {
			w.accounts = func(ctx context.Context) iter.Seq2[directory.User, error] { return backwards(w.Target.Accounts(ctx)) }
		}},
		{name: "account taken over", found: "accounts/conflict", target: func(w *wrappedTarget) {
			w.createAccount = func(ctx context.Context, u directory.User) error {
				if err := w.Target.CreateAccount(ctx, u); failure.ClassOf(err) != failure.Conflict {
					return err
				}
				return nil
			}
		}},
		{name: "errors without class", found: "accounts/unknown", target: func(w *wrappedTarget) {
			w.mailbox = func(ctx context.Context, account string) (connector.TargetMailbox, error) {
				m, err := w.Target.Mailbox(ctx, account)
				if err != nil {
					return nil, errors.New("something went wrong")
				}
				return m, nil
			}
		}},
		{name: "one fingerprint for all", found: "append/fingerprint", target: func(w *wrappedTarget) {
			w.fingerprint = func(ctx context.Context, r io.Reader) (mail.Digest, error) {
				_, err := io.Copy(io.Discard, r)
				return sha256.Sum256(nil), err
			}
		}},
		{name: "limit not kept", found: "append/too-large", target: func(w *wrappedTarget) {
			w.caps = func(connector.Capabilities) connector.Capabilities { return limited }
		}},
		{name: "memory", found: "content/huge", huge: true},
		{name: "goroutine left", found: "", target: func(w *wrappedTarget) {
			w.createAccount = func(ctx context.Context, u directory.User) error {
				go func() { select {} }()
				return w.Target.CreateAccount(ctx, u)
			}
		}},
	}
}

func mailboxMutants() []mutant {
	return []mutant{
		{name: "everything arrived", found: "position/fresh", box: func(b *wrappedBox) {
			b.position = func(ctx context.Context, path mail.Path) (connector.Position, error) {
				at, err := b.TargetMailbox.Position(ctx, path)
				validity, _, _ := strings.Cut(string(at), "/")
				return connector.Position(validity + "/1"), err
			}
		}},
		{name: "last arrival hidden", found: "position/batches", box: func(b *wrappedBox) {
			b.arrived = func(ctx context.Context, path mail.Path, since connector.Position) iter.Seq2[connector.Stored, error] {
				return func(yield func(connector.Stored, error) bool) {
					var held *connector.Stored
					for s, err := range b.TargetMailbox.Arrived(ctx, path, since) {
						if err != nil {
							yield(s, err)
							return
						}
						if held != nil && !yield(*held, nil) {
							return
						}
						held = &s
					}
				}
			}
		}},
		{name: "listing ends quietly", found: "cancel/arrived", box: func(b *wrappedBox) {
			b.arrived = func(ctx context.Context, path mail.Path, since connector.Position) iter.Seq2[connector.Stored, error] {
				return quiet(b.TargetMailbox.Arrived(ctx, path, since))
			}
		}},
		{name: "deaf to cancellation", found: "cancel/before", box: func(b *wrappedBox) {
			b.remove = func(ctx context.Context, path mail.Path, id string) error {
				return b.TargetMailbox.Remove(deaf(ctx), path, id)
			}
		}},
		{name: "deaf while appending", found: "cancel/append", box: func(b *wrappedBox) {
			b.append = func(ctx context.Context, path mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
				return b.TargetMailbox.Append(deaf(ctx), path, at, items)
			}
		}},
		{name: "flags set blindly", found: "flags/set", box: func(b *wrappedBox) {
			b.setFlags = func(ctx context.Context, path mail.Path, id string, _, want mail.FlagSet) error {
				stored, r, err := b.TargetMailbox.Open(ctx, path, id)
				if err != nil {
					return err
				}
				_ = r.Close()
				return b.TargetMailbox.SetFlags(ctx, path, id, stored.Flags, want)
			}
		}},
		{name: "removed twice", found: "append/remove", box: func(b *wrappedBox) {
			b.remove = func(ctx context.Context, path mail.Path, id string) error {
				_ = b.TargetMailbox.Remove(ctx, path, "1")
				return b.TargetMailbox.Remove(ctx, path, id)
			}
		}},
		{name: "full folder deleted", found: "folders/delete", box: func(b *wrappedBox) {
			b.drop = func(ctx context.Context, path mail.Path) error {
				if err := b.TargetMailbox.DeleteFolder(ctx, path); failure.ClassOf(err) != failure.Conflict {
					return err
				}
				return nil
			}
		}},
		{name: "folder role lost", found: "folders/use", box: func(b *wrappedBox) {
			b.create = func(ctx context.Context, f mail.Folder) error {
				f.Use = mail.NoUse
				return b.TargetMailbox.CreateFolder(ctx, f)
			}
		}},
		{name: "children first", found: "folders/nested", box: func(b *wrappedBox) {
			b.folders = func(ctx context.Context) ([]mail.Folder, error) {
				list, err := b.TargetMailbox.Folders(ctx)
				slices.Reverse(list)
				return list, err
			}
		}},
	}
}

func sourceMutants() []mutant {
	return []mutant{
		{name: "users unordered", found: "source/users", source: func(w *wrappedSource) {
			w.users = func(ctx context.Context) iter.Seq2[directory.User, error] { return backwards(w.Source.Users(ctx)) }
		}},
		{name: "stranger welcome", found: "source/unknown", source: func(w *wrappedSource) {
			w.mailbox = func(ctx context.Context, user string) (connector.SourceMailbox, error) {
				m, err := w.Source.Mailbox(ctx, user)
				if failure.ClassOf(err) == failure.Vanished {
					return w.Source.Mailbox(ctx, "anna")
				}
				return m, err
			}
		}},
		{name: "keys move", found: "source/messages", reader: func(w *wrappedReader) {
			w.messages = func(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error] {
				return func(yield func(mail.Message, error) bool) {
					for m, err := range w.SourceMailbox.Messages(ctx, path) {
						m.Key += strings.Repeat(" ", int(m.Size)%2)
						if !yield(m, err) {
							return
						}
						w.messages = nil
					}
				}
			}
		}},
		{name: "size untrue", found: "source/content", reader: func(w *wrappedReader) {
			w.messages = func(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error] {
				return func(yield func(mail.Message, error) bool) {
					for m, err := range w.SourceMailbox.Messages(ctx, path) {
						m.Size++
						if !yield(m, err) {
							return
						}
					}
				}
			}
		}},
		{name: "read only once", found: "source/content", reader: func(w *wrappedReader) {
			seen := map[string]bool{}
			var mu sync.Mutex
			w.open = func(ctx context.Context, path mail.Path, m mail.Message) (io.ReadCloser, error) {
				mu.Lock()
				defer mu.Unlock()
				if r, err := w.SourceMailbox.Open(ctx, path, m); err != nil || !seen[m.Key] {
					seen[m.Key] = true
					return r, err
				}
				return io.NopCloser(strings.NewReader("")), nil
			}
		}},
		{name: "ends early when cancelled", found: "source/cancel", reader: func(w *wrappedReader) {
			w.messages = func(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error] {
				return quiet(w.SourceMailbox.Messages(ctx, path))
			}
		}},
		{name: "census wrong", found: "source/census", reader: func(w *wrappedReader) {
			w.census = func(ctx context.Context, path mail.Path, exact bool) (connector.Census, error) {
				c, err := w.SourceMailbox.Census(ctx, path, exact)
				c.Messages++
				return c, err
			}
		}},
		{name: "state stuck", found: "source/state", reader: func(w *wrappedReader) {
			w.census = func(ctx context.Context, path mail.Path, exact bool) (connector.Census, error) {
				c, err := w.SourceMailbox.Census(ctx, path, exact)
				c.State = "always the same"
				return c, err
			}
		}},
		{name: "one message hidden", found: "both/read-what-was-written", reader: func(w *wrappedReader) {
			w.messages = func(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error] {
				return func(yield func(mail.Message, error) bool) {
					for m, err := range w.SourceMailbox.Messages(ctx, path) {
						if m.Key != "4" && !yield(m, err) {
							return
						}
					}
				}
			}
		}},
		{name: "vanished is empty", found: "both/changes", reader: func(w *wrappedReader) {
			w.open = func(ctx context.Context, path mail.Path, m mail.Message) (io.ReadCloser, error) {
				r, err := w.SourceMailbox.Open(ctx, path, m)
				if failure.ClassOf(err) == failure.Vanished && err != nil {
					return io.NopCloser(strings.NewReader("")), nil
				}
				return r, err
			}
		}},
		{name: "flags not followed", found: "both/changes", reader: func(w *wrappedReader) {
			w.open = func(ctx context.Context, path mail.Path, m mail.Message) (io.ReadCloser, error) {
				for now, err := range w.SourceMailbox.Messages(ctx, path) {
					if err == nil && now.Key == m.Key && !now.Flags.Equal(m.Flags) {
						return nil, failure.New(failure.Vanished, "open message", m.Key, "mutant.renamed", nil)
					}
				}
				return w.SourceMailbox.Open(ctx, path, m)
			}
		}},
		{name: "lock file left", found: "source/untouched", untidy: true},
	}
}
