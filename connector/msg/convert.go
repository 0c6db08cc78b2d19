package msg

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"waybill/connector/files"
	"waybill/connector/filesource"
	"waybill/format/mapi"
	"waybill/format/mapiitem"
	"waybill/format/mapimail"
	"waybill/format/mime"
	"waybill/format/msg"
	"waybill/mail"
)

// folder converts the files of one folder.
type folder struct {
	store *store
	name  string // its path in the mailbox
}

// opened is a file with what was made of it.
type opened struct {
	file *files.At
	mail.Message
	reader func(ctx context.Context) io.ReadCloser
}

// describe tells what is known of a message.
func (f folder) describe(ctx context.Context, _, path string, info files.Info) (mail.Message, error) {
	o, err := f.convert(ctx, path)
	if err != nil {
		return mail.Message{Size: -1}, err
	}
	defer func() { _ = o.file.Close() }()
	if o.InternalDate.IsZero() {
		o.InternalDate = time.Unix(info.ModTime.Unix(), 0).UTC()
		o.Notes = append(o.Notes, mail.Note{Kind: "date-from-file", Text: "The message has no date; the time of its file stands for it."})
	}
	return o.Message, nil
}

// open gives the message as Internet mail.
func (f folder) open(ctx context.Context, path string) (filesource.Body, error) {
	o, err := f.convert(ctx, path)
	if err != nil {
		return nil, err
	}
	r := o.reader(ctx)
	release := func() error {
		err := r.Close()
		if cerr := o.file.Close(); err == nil {
			err = cerr
		}
		return err
	}
	return filesource.NewBody(ctx, r, -1, o.file.Unchanged, release), nil
}

// convert opens a file and converts what is in it. The caller closes the file.
func (f folder) convert(ctx context.Context, path string) (*opened, error) {
	file, err := files.OpenAt(ctx, path)
	if err != nil {
		return nil, err
	}
	o, err := f.convertFile(ctx, path, file)
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	o.file = file
	return o, nil
}

func (f folder) convertFile(ctx context.Context, path string, file *files.At) (*opened, error) {
	m, err := msg.Open(file, file.Size(), path)
	if err != nil {
		return nil, err
	}
	// Identifiers of items are made of the key, which must not depend on where the
	// tree lies.
	key := f.store.place.ID + "\x00" + f.name + "\x00" + filepath.Base(path)
	item, err := mapiitem.Convert(ctx, m, mapiitem.Options{Key: key, Where: path})
	if err != nil {
		return nil, err
	}
	isItem := item != nil && !item.Mail
	embedded := 0
	converted, err := mapimail.Convert(ctx, m, mapimail.Options{
		Where: path, DisarmReceipts: f.store.disarm,
		Unchecked: isItem, // of an item only marks and date are taken from here
		Item: func(ctx context.Context, m mapi.Message) ([]*mime.Entity, []mail.Note, error) {
			embedded++
			i, err := mapiitem.Convert(ctx, m, mapiitem.Options{Key: fmt.Sprintf("%s\x00%d", key, embedded), Where: path})
			if i == nil || err != nil || i.Mail {
				return nil, nil, err
			}
			return i.Parts(), i.Notes, nil
		},
		Calendar: func(ctx context.Context, own mapi.Message) (*mime.Entity, []mail.Note, error) {
			i := item
			if own != mapi.Message(m) {
				embedded++
				var err error
				if i, err = mapiitem.Convert(ctx, own, mapiitem.Options{Key: fmt.Sprintf("%s\x00%d", key, embedded), Where: path}); err != nil {
					return nil, nil, err
				}
			}
			if i == nil {
				return nil, nil, nil
			}
			return i.Part(), i.Notes, nil
		},
	})
	if err != nil {
		return nil, err
	}
	o := &opened{reader: converted.Open}
	o.Message = mail.Message{Size: -1, InternalDate: converted.InternalDate, Flags: converted.Flags, Notes: converted.Notes}
	if isItem {
		o.reader = mapiitem.AsMessage(item).Open
		o.Notes = append(slices.Clone(item.Notes), mail.Note{Kind: "item-as-message",
			Text: "The " + item.Kind.String() + " is carried as a message with a " + filepath.Ext(item.Name) + " file."})
	}
	for _, defect := range m.Defects() {
		o.Notes = append(o.Notes, mail.Note{Kind: "damaged", Text: "Part of the file could not be read: " + defect.Error()})
	}
	return o, nil
}
