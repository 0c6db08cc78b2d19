package migfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"waybill/connector"
	"waybill/connector/migfile/journal"
	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/mail"
)

// box writes the mailbox of one account: the records of all folders, one behind
// the other, in its primary file.
type box struct {
	target  *target
	account *account
}

func (b *box) path(suffix string) string {
	return filepath.Join(b.target.dir, b.account.base+suffix)
}

func (b *box) where(folder mail.Path, id string) string {
	return strings.TrimRight(b.account.user.ID+", "+string(folder)+" "+id, " ,")
}

// section is that of every primary file that Waybill writes.
func (b *box) section(ctx context.Context) (*mf.Section, int64, error) {
	f, err := os.Open(b.path(".pri"))
	if err != nil {
		return nil, 0, journal.Error("open mailbox", b.path(".pri"), err)
	}
	defer func() { _ = f.Close() }()
	rec, err := mf.NewPrimary(f, b.account.base+".pri", b.target.page).Next()
	if err != nil || !rec.Start || rec.Section.Kind != mf.MailMessage {
		return nil, 0, failure.New(failure.Conflict, "open mailbox", b.path(".pri"), "migfile.foreign", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, 0, journal.Error("open mailbox", b.path(".pri"), err)
	}
	return rec.Section, info.Size(), ctx.Err()
}

// scan walks over the records from an offset on, at most up to the size that
// the file has now.
func (b *box) scan(ctx context.Context, from int64, visit func(mf.Record, mail.Path) error) error {
	return b.scanWith(ctx, from, nil, visit)
}

// scanWith is scan that tells comments as well.
func (b *box) scanWith(ctx context.Context, from int64, comment func(string), visit func(mf.Record, mail.Path) error) error {
	section, size, err := b.section(ctx)
	if err != nil {
		return err
	}
	f, err := os.Open(b.path(".pri"))
	if err != nil {
		return journal.Error("read mailbox", b.path(".pri"), err)
	}
	defer func() { _ = f.Close() }()
	at := mf.Place{File: b.account.base + ".pri", Line: 1, Offset: from}
	p := mf.ResumePrimary(io.NewSectionReader(f, from, max(0, size-from)), b.target.page, section, at)
	if from == 0 {
		p = mf.NewPrimary(io.NewSectionReader(f, 0, size), at.File, b.target.page)
	}
	p.OnComment(comment)
	for {
		if ctx.Err() != nil {
			return cancelled(ctx)
		}
		rec, err := p.Next()
		if errors.Is(err, io.EOF) && rec.Place.Line == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		if rec.Start {
			continue
		}
		if err := visit(rec, parseFolder(rec.Field("Folder").Text())); err != nil {
			if errors.Is(err, errStop) {
				return nil
			}
			return err
		}
	}
}

// sizes are the lengths of both files, which are the position of every folder.
func (b *box) sizes() (pri, sec int64, err error) {
	var n [2]int64
	for i, suffix := range []string{".pri", ".sec"} {
		info, err := os.Stat(b.path(suffix))
		if err != nil {
			return 0, 0, journal.Error("read mailbox", b.path(suffix), err)
		}
		n[i] = info.Size()
	}
	return n[0], n[1], nil
}

func (b *box) Position(ctx context.Context, folder mail.Path) (connector.Position, error) {
	if ctx.Err() != nil {
		return "", cancelled(ctx)
	}
	b.account.mu.Lock()
	defer b.account.mu.Unlock()
	if err := b.exists(ctx, folder); err != nil {
		return "", err
	}
	pri, sec, err := b.sizes()
	return connector.Position(fmt.Sprintf("%d %d", pri, sec)), err
}

func (b *box) parsePosition(folder mail.Path, at connector.Position) (pri int64, err error) {
	var sec int64
	n, _ := fmt.Sscanf(string(at), "%d %d", &pri, &sec)
	if n != 2 || pri < 0 {
		return 0, failure.New(failure.Usage, "read position", b.where(folder, ""), "migfile.position", fmt.Errorf("%q is no position", at))
	}
	return pri, nil
}

func (b *box) Arrived(ctx context.Context, folder mail.Path, since connector.Position) iter.Seq2[connector.Stored, error] {
	return func(yield func(connector.Stored, error) bool) {
		from, err := b.parsePosition(folder, since)
		if err == nil {
			err = b.settle(ctx, folder, from)
		}
		if err != nil {
			yield(connector.Stored{}, err)
			return
		}
		r := b.reader(nil)
		stopped := false
		err = b.scan(ctx, from, func(rec mf.Record, p mail.Path) error {
			if p != folder {
				return nil
			}
			if stopped = !yield(r.stored(rec), nil); stopped {
				return errStop
			}
			return nil
		})
		if err != nil && !stopped {
			yield(connector.Stored{}, err)
		}
	}
}

// settle undoes an append that was cut off, and checks that a line begins at
// the position.
func (b *box) settle(ctx context.Context, folder mail.Path, from int64) error {
	if ctx.Err() != nil {
		return cancelled(ctx)
	}
	b.account.mu.Lock()
	defer b.account.mu.Unlock()
	if err := b.exists(ctx, folder); err != nil {
		return err
	}
	size, _, err := b.sizes()
	if err != nil {
		return err
	}
	if from > size || !b.lineBegins(from) {
		return failure.New(failure.Conflict, "look for arrivals", b.where(folder, ""), "migfile.position", errors.New("the files are not those of which the position speaks"))
	}
	return nil
}

func (b *box) lineBegins(offset int64) bool {
	if offset == 0 {
		return true
	}
	f, err := os.Open(b.path(".pri"))
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	var c [1]byte
	_, err = f.ReadAt(c[:], offset-1)
	return err == nil && c[0] == '\n'
}

// reader reads records of this mailbox; f may be nil when no content is wanted.
func (b *box) reader(f *files) *reader { return &reader{files: f, zone: b.target.zone} }

// stored is what the record alone tells.
func (r *reader) stored(rec mf.Record) connector.Stored {
	s := connector.Stored{ID: strconv.FormatInt(rec.Place.Offset, 10), Size: -1}
	s.InternalDate, _ = mf.ParseStamp(rec.Field("Received-Date").Text(), r.zone)
	if unread, known := rec.Field("Unread").Bool(); known && !unread {
		s.Flags.System |= mail.Seen
	}
	if unsent, _ := rec.Field("Unsent").Bool(); unsent {
		s.Flags.System |= mail.Draft
	}
	return s
}

// find reads the record with that ID.
func (b *box) find(ctx context.Context, folder mail.Path, id string) (mf.Record, error) {
	gone := failure.New(failure.Vanished, "open message", b.where(folder, id), "migfile.no-message", nil)
	offset, err := strconv.ParseInt(id, 10, 64)
	if ctx.Err() != nil {
		return mf.Record{}, cancelled(ctx)
	}
	if err != nil || offset <= 0 || !b.lineBegins(offset) {
		return mf.Record{}, gone
	}
	section, _, err := b.section(ctx)
	if err != nil {
		return mf.Record{}, err
	}
	if offset <= section.Place.Offset {
		return mf.Record{}, gone
	}
	var found *mf.Record
	err = b.scan(ctx, offset, func(rec mf.Record, p mail.Path) error {
		if _, ok := rec.Field("Body").Pointer(); ok && p == folder && rec.Place.Offset == offset {
			found = &rec
		}
		return errStop
	})
	if err != nil {
		return mf.Record{}, err
	}
	if found == nil {
		return mf.Record{}, gone
	}
	return *found, nil
}

func (b *box) Open(ctx context.Context, folder mail.Path, id string) (connector.Stored, io.ReadCloser, error) {
	rec, err := b.find(ctx, folder, id)
	if err != nil {
		return connector.Stored{}, nil, err
	}
	sec := b.account.base + ".sec"
	f := &files{dir: b.target.dir, page: b.target.page, names: map[string]string{lower(sec): sec}, open: map[string]*secondary{}}
	r := b.reader(f)
	l, err := r.letter(rec)
	if err != nil {
		f.close()
		return connector.Stored{}, nil, err
	}
	body := l.message.Open(ctx)
	return r.stored(rec), &borrowed{Reader: body, done: func() { _ = body.Close(); f.close() }}, nil
}

// SetFlags is not possible: a record's length would change, and with it the
// place of every record behind it.
func (b *box) SetFlags(ctx context.Context, folder mail.Path, id string, was, want mail.FlagSet) error {
	if ctx.Err() != nil {
		return cancelled(ctx)
	}
	return failure.New(failure.Unsupported, "set flags", b.where(folder, id), "migfile.flags", errors.New("records of migration files are not changed once they are written"))
}

// Remove takes a message out: the last one is cut off both files, any other
// becomes a comment, so that the records behind it stay where they are.
func (b *box) Remove(ctx context.Context, folder mail.Path, id string) error {
	rec, err := b.find(ctx, folder, id)
	if err != nil {
		return err
	}
	b.account.mu.Lock()
	defer b.account.mu.Unlock()
	pri, _, err := b.sizes()
	if err != nil {
		return err
	}
	b.account.used = nil
	sec, ok := firstPointer(rec)
	if rec.End >= pri && ok {
		if err := journal.Truncate(b.path(".pri"), rec.Place.Offset); err != nil {
			return journal.Error("remove message", b.path(".pri"), err)
		}
		return journal.Error("remove message", b.path(".sec"), journal.Truncate(b.path(".sec"), sec))
	}
	f, err := os.OpenFile(b.path(".pri"), os.O_RDWR, 0)
	if err != nil {
		return journal.Error("remove message", b.path(".pri"), err)
	}
	defer func() { _ = f.Close() }()
	if _, err = f.WriteAt([]byte("!"), rec.Place.Offset); err == nil {
		err = f.Sync()
	}
	return journal.Error("remove message", b.path(".pri"), err)
}

// firstPointer finds the lowest offset that a record leads to.
func firstPointer(rec mf.Record) (int64, bool) {
	lowest, ok := int64(0), false
	for _, c := range mf.MessageColumns() {
		if p, is := rec.Field(c).Pointer(); is && (!ok || p.Offset < lowest) {
			lowest, ok = p.Offset, true
		}
	}
	return lowest, ok
}

func (b *box) Close() error { return nil }
