package migfile

import (
	"context"
	"errors"
	"io"
	"os"

	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/mail"
)

// checkpointEvery is the number of records between two places that are
// remembered, so that a message is found by its line without reading the whole
// file.
const checkpointEvery = 256

// run is a MAILMESSAGE or PAB section.
type run struct {
	kind  mf.Kind
	owner string
	file  int      // in index.files
	place mf.Place // of the heading
	end   int64    // behind its last line; the next section's beginning at most
	// marks are places of records, every checkpointEvery-th of them.
	marks   []mf.Place
	section *mf.Section
	records int
	folders map[mail.Path]int64
	order   []mail.Path
}

// index is what a first reading of the primary files found.
type index struct {
	files   []string // primary files, as on disk
	runs    []*run
	objects []object
	// broken are lines that belong to no mailbox, with why they could not be read.
	broken []brokenLine
}

type brokenLine struct {
	id  string // of the object, if known
	at  mf.Place
	err error
}

// scanPrimary walks over the records of one section, or of a whole file.
func (f *files) scanPrimary(ctx context.Context, name string, from mf.Place, section *mf.Section, visit func(mf.Record, error) error) error {
	file, err := f.primary(name)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if _, err := file.Seek(from.Offset, io.SeekStart); err != nil {
		return failure.New(failure.ClassOf(err), "read migration file", name, "migfile.read", err)
	}
	p := mf.ResumePrimary(file, f.page, section, mf.Place{File: name, Line: max(from.Line, 1), Offset: from.Offset})
	for n := 0; ; n++ {
		if n%64 == 0 && ctx.Err() != nil {
			return failure.New(failure.Cancelled, "read migration file", name, "cancelled", ctx.Err())
		}
		rec, err := p.Next()
		if err != nil && rec.Place.Line == 0 {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := visit(rec, err); err != nil {
			return err
		}
	}
}

// errStop ends a scan before the file does.
var errStop = errors.New("stop")

// makeIndex reads all primary files once.
func makeIndex(ctx context.Context, f *files, r *reader, names []string) (*index, error) {
	x := &index{}
	for _, name := range names {
		number := len(x.files)
		x.files = append(x.files, name)
		var current *run
		err := f.scanPrimary(ctx, name, mf.Place{File: name}, nil, func(rec mf.Record, err error) error {
			s := rec.Section
			if rec.Start {
				current = nil
				if s.Kind == mf.MailMessage || s.Kind == mf.PAB {
					current = &run{kind: s.Kind, owner: s.Owner, file: number, place: rec.Place, end: rec.End, section: s, folders: map[mail.Path]int64{}}
					x.runs = append(x.runs, current)
				}
				if err == nil {
					return nil
				}
			}
			switch {
			case current != nil:
				current.add(r, rec, err)
			case err != nil:
				x.broken = append(x.broken, brokenLine{at: rec.Place, err: err})
			default:
				o, err := readObject(rec)
				if err != nil {
					x.broken = append(x.broken, brokenLine{id: o.id, at: rec.Place, err: err})
					return nil
				}
				x.objects = append(x.objects, o)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return x, nil
}

// add counts a record.
func (u *run) add(r *reader, rec mf.Record, err error) {
	if u.end = rec.End; !rec.Start && u.records%checkpointEvery == 0 {
		u.marks = append(u.marks, rec.Place)
	}
	u.records++
	if u.kind == mf.PAB {
		return
	}
	path := r.folderOf(rec, err)
	if _, have := u.folders[path]; !have {
		u.order = append(u.order, path)
	}
	u.folders[path]++
}

// folderOf tells where a record belongs. One that cannot be read belongs where
// its first value says, or into the inbox.
func (r *reader) folderOf(rec mf.Record, err error) mail.Path {
	if err != nil || rec.Section == nil || rec.Start {
		return parseFolder(rec.First())
	}
	folder, err := r.value(rec, "Folder")
	if err != nil {
		return mail.Inbox
	}
	return parseFolder(folder)
}

// scan walks over the records of a section, from the mark before line on.
func (u *run) scan(ctx context.Context, x *index, f *files, line int, visit func(mf.Record, error) error) error {
	from, section := u.place, (*mf.Section)(nil)
	if u.section.Columns != nil {
		for _, m := range u.marks {
			if m.Line > line {
				break
			}
			from, section = m, u.section
		}
	}
	err := f.scanPrimary(ctx, x.files[u.file], from, section, func(rec mf.Record, err error) error {
		if rec.Place.Offset >= u.end || rec.Start && rec.Place.Offset != u.place.Offset {
			return errStop
		}
		if rec.Start && err == nil {
			return nil
		}
		return visit(rec, err)
	})
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// size is the length of a file, 0 when it cannot be told.
func (f *files) size(name string) int64 {
	onDisk, ok := f.names[lower(name)]
	if !ok {
		return 0
	}
	info, err := os.Stat(f.path(onDisk))
	if err != nil {
		return 0
	}
	return info.Size()
}
