package mmff

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/connector/foldertree"
	"waybill/connector/migfile/canon"
	"waybill/failure"
	"waybill/mail"
)

// targetBox writes one account's tree.
type targetBox struct {
	*foldertree.TargetBox[*keeper]

	form form
}

func (b *targetBox) Open(ctx context.Context, path mail.Path, id string) (connector.Stored, io.ReadCloser, error) {
	s, err := b.Shelf(ctx, path)
	if err != nil {
		return connector.Stored{}, nil, err
	}
	if !isDelivery(id) {
		return connector.Stored{}, nil, s.Missing("open message", id)
	}
	f, err := openFile(ctx, filepath.Join(s.Dir, id))
	if err != nil {
		return connector.Stored{}, nil, err
	}
	r, err := f.open(ctx, b.form, 0, 1)
	if err != nil {
		_ = f.Close()
		return connector.Stored{}, nil, err
	}
	return connector.Stored{ID: id, Size: -1}, r, nil
}

// SetFlags refuses: the format has none.
func (b *targetBox) SetFlags(ctx context.Context, path mail.Path, id string, was, want mail.FlagSet) error {
	s, err := b.Shelf(ctx, path)
	if err != nil {
		return err
	}
	if info, err := files.Stat(filepath.Join(s.Dir, id)); !isDelivery(id) || err != nil || !info.IsRegular() {
		return s.Missing("set flags", id)
	}
	none := mail.FlagSet{}
	if !was.Equal(none) {
		return failure.New(failure.Conflict, "set flags", filepath.Join(s.Dir, id), "mmff.flags-changed", errors.New("the format keeps no flags"))
	}
	if want.Equal(none) {
		return nil
	}
	return failure.New(failure.Unsupported, "set flags", filepath.Join(s.Dir, id), "mmff.no-flags", errors.New("the format keeps no flags"))
}

// keeper writes the files of one folder. There is nothing beside them.
type keeper struct {
	dir  string
	form form
}

// Pack begins a batch, whose texts and attachments pass through one spool.
func (k *keeper) Pack() foldertree.Packer {
	return &packer{form: k.form, spool: canon.NewSpool(k.dir)}
}

// Describe writes nothing.
func (k *keeper) Describe(context.Context, *files.Dir, []string, []connector.Item) error { return nil }

// Stored describes a message that is there.
func (k *keeper) Stored(_ context.Context, id string, info files.Info) (connector.Stored, error) {
	return connector.Stored{ID: id, Size: info.Size}, nil
}

// packer turns messages into what the format holds of them.
type packer struct {
	form  form
	spool *canon.Spool
}

func (p *packer) Close() { p.spool.Reset() }

func (p *packer) Open(ctx context.Context, item connector.Item) (foldertree.Parcel, error) {
	p.spool.Reset()
	body, err := item.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	l, err := p.form.extract(ctx, body, p.spool)
	if err != nil {
		return nil, err
	}
	return &parcel{letter: l, packer: p}, nil
}

// parcel is a message that was read, on its way to its file.
type parcel struct {
	*packer

	letter *letter
}

func (p *parcel) Ending() string     { return suffix }
func (p *parcel) Notes() []mail.Note { return p.letter.notes }
func (p *parcel) Close() error       { return nil }

func (p *parcel) Write(_ context.Context, f *os.File) error {
	out := bufio.NewWriterSize(f, 64<<10)
	if err := p.letter.write(out, p.form, p.spool); err != nil {
		return err
	}
	return out.Flush()
}
