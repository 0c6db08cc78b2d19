package connectortest_test

import (
	"context"
	"io"
	"iter"

	"waybill/connector"
	"waybill/directory"
	"waybill/mail"
)

// The wrapped types pass calls on to the fake, except those that a mutant
// answers itself.

type wrappedTarget struct {
	connector.Target
	box           func(*wrappedBox)
	caps          func(connector.Capabilities) connector.Capabilities
	accounts      func(ctx context.Context) iter.Seq2[directory.User, error]
	createAccount func(ctx context.Context, u directory.User) error
	name          func(path mail.Path, attempt int) mail.Path
	fingerprint   func(ctx context.Context, r io.Reader) (mail.Digest, error)
	mailbox       func(ctx context.Context, account string) (connector.TargetMailbox, error)
}

func (w *wrappedTarget) Capabilities() connector.Capabilities {
	if w.caps != nil {
		return w.caps(w.Target.Capabilities())
	}
	return w.Target.Capabilities()
}

func (w *wrappedTarget) Accounts(ctx context.Context) iter.Seq2[directory.User, error] {
	if w.accounts != nil {
		return w.accounts(ctx)
	}
	return w.Target.Accounts(ctx)
}

func (w *wrappedTarget) CreateAccount(ctx context.Context, u directory.User) error {
	if w.createAccount != nil {
		return w.createAccount(ctx, u)
	}
	return w.Target.CreateAccount(ctx, u)
}

func (w *wrappedTarget) FolderName(path mail.Path, attempt int) (mail.Path, string, []mail.Note) {
	if w.name != nil {
		stored := w.name(path, attempt)
		return stored, string(stored), []mail.Note{{Kind: "folder-renamed", Text: "by a mutant"}}
	}
	return w.Target.FolderName(path, attempt)
}

func (w *wrappedTarget) Fingerprint(ctx context.Context, r io.Reader) (mail.Digest, error) {
	if w.fingerprint != nil {
		return w.fingerprint(ctx, r)
	}
	return w.Target.Fingerprint(ctx, r)
}

func (w *wrappedTarget) Mailbox(ctx context.Context, account string) (connector.TargetMailbox, error) {
	if w.mailbox != nil {
		return w.mailbox(ctx, account)
	}
	inner, err := w.Target.Mailbox(ctx, account)
	if err != nil || w.box == nil {
		return inner, err
	}
	b := &wrappedBox{TargetMailbox: inner}
	w.box(b)
	return b, nil
}

type wrappedBox struct {
	connector.TargetMailbox
	folders  func(ctx context.Context) ([]mail.Folder, error)
	create   func(ctx context.Context, f mail.Folder) error
	drop     func(ctx context.Context, path mail.Path) error
	position func(ctx context.Context, path mail.Path) (connector.Position, error)
	append   func(ctx context.Context, path mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error)
	arrived  func(ctx context.Context, path mail.Path, since connector.Position) iter.Seq2[connector.Stored, error]
	open     func(ctx context.Context, path mail.Path, id string) (connector.Stored, io.ReadCloser, error)
	setFlags func(ctx context.Context, path mail.Path, id string, was, want mail.FlagSet) error
	remove   func(ctx context.Context, path mail.Path, id string) error
}

func (w *wrappedBox) Folders(ctx context.Context) ([]mail.Folder, error) {
	if w.folders != nil {
		return w.folders(ctx)
	}
	return w.TargetMailbox.Folders(ctx)
}

func (w *wrappedBox) CreateFolder(ctx context.Context, f mail.Folder) error {
	if w.create != nil {
		return w.create(ctx, f)
	}
	return w.TargetMailbox.CreateFolder(ctx, f)
}

func (w *wrappedBox) DeleteFolder(ctx context.Context, path mail.Path) error {
	if w.drop != nil {
		return w.drop(ctx, path)
	}
	return w.TargetMailbox.DeleteFolder(ctx, path)
}

func (w *wrappedBox) Position(ctx context.Context, path mail.Path) (connector.Position, error) {
	if w.position != nil {
		return w.position(ctx, path)
	}
	return w.TargetMailbox.Position(ctx, path)
}

func (w *wrappedBox) Append(ctx context.Context, path mail.Path, at connector.Position, items []connector.Item) ([]connector.Receipt, error) {
	if w.append != nil {
		return w.append(ctx, path, at, items)
	}
	return w.TargetMailbox.Append(ctx, path, at, items)
}

func (w *wrappedBox) Arrived(ctx context.Context, path mail.Path, since connector.Position) iter.Seq2[connector.Stored, error] {
	if w.arrived != nil {
		return w.arrived(ctx, path, since)
	}
	return w.TargetMailbox.Arrived(ctx, path, since)
}

func (w *wrappedBox) Open(ctx context.Context, path mail.Path, id string) (connector.Stored, io.ReadCloser, error) {
	if w.open != nil {
		return w.open(ctx, path, id)
	}
	return w.TargetMailbox.Open(ctx, path, id)
}

func (w *wrappedBox) SetFlags(ctx context.Context, path mail.Path, id string, was, want mail.FlagSet) error {
	if w.setFlags != nil {
		return w.setFlags(ctx, path, id, was, want)
	}
	return w.TargetMailbox.SetFlags(ctx, path, id, was, want)
}

func (w *wrappedBox) Remove(ctx context.Context, path mail.Path, id string) error {
	if w.remove != nil {
		return w.remove(ctx, path, id)
	}
	return w.TargetMailbox.Remove(ctx, path, id)
}

type wrappedSource struct {
	connector.Source
	box     func(*wrappedReader)
	users   func(ctx context.Context) iter.Seq2[directory.User, error]
	mailbox func(ctx context.Context, user string) (connector.SourceMailbox, error)
}

func (w *wrappedSource) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	if w.users != nil {
		return w.users(ctx)
	}
	return w.Source.Users(ctx)
}

func (w *wrappedSource) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	if w.mailbox != nil {
		return w.mailbox(ctx, user)
	}
	inner, err := w.Source.Mailbox(ctx, user)
	if err != nil || w.box == nil {
		return inner, err
	}
	b := &wrappedReader{SourceMailbox: inner}
	w.box(b)
	return b, nil
}

type wrappedReader struct {
	connector.SourceMailbox
	folders  func(ctx context.Context) ([]mail.Folder, error)
	census   func(ctx context.Context, path mail.Path, exact bool) (connector.Census, error)
	messages func(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error]
	open     func(ctx context.Context, path mail.Path, m mail.Message) (io.ReadCloser, error)
}

func (w *wrappedReader) Folders(ctx context.Context) ([]mail.Folder, error) {
	if w.folders != nil {
		return w.folders(ctx)
	}
	return w.SourceMailbox.Folders(ctx)
}

func (w *wrappedReader) Census(ctx context.Context, path mail.Path, exact bool) (connector.Census, error) {
	if w.census != nil {
		return w.census(ctx, path, exact)
	}
	return w.SourceMailbox.Census(ctx, path, exact)
}

func (w *wrappedReader) Messages(ctx context.Context, path mail.Path) iter.Seq2[mail.Message, error] {
	if w.messages != nil {
		return w.messages(ctx, path)
	}
	return w.SourceMailbox.Messages(ctx, path)
}

func (w *wrappedReader) Open(ctx context.Context, path mail.Path, m mail.Message) (io.ReadCloser, error) {
	if w.open != nil {
		return w.open(ctx, path, m)
	}
	return w.SourceMailbox.Open(ctx, path, m)
}
