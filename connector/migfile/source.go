package migfile

import (
	"context"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"time"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/mail"
)

// source reads the files of a packing list.
type source struct {
	caps   connector.Capabilities
	files  *files
	reader *reader
	index  *index
	people map[string]*person
	faults map[string]error
	ids    []string // of people and faults, sorted
	// secondaries are the secondary files that the packing list names.
	secondaries []string
	// assumed tells that no zone was given for the dates.
	assumed bool
}

// Source opens the migration files of the packing list that loc names. It reads
// every primary file once, to find the sections; bodies are not read. A primary
// file that the list names and that does not exist is an error of rule
// "migfile.file-missing".
func Source(ctx context.Context, loc connector.Location) (connector.Source, error) {
	if err := loc.RejectOptions("zone"); err != nil {
		return nil, err
	}
	zone, given, err := zoneOf(loc)
	if err != nil {
		return nil, err
	}
	list, err := readList(loc.Path)
	if err != nil {
		return nil, err
	}
	f, err := newFiles(filepath.Dir(loc.Path), list.CodePage)
	if err != nil {
		return nil, err
	}
	var primaries, secondaries []string
	for _, name := range list.Files {
		if !mf.IsPrimary(name) {
			secondaries = append(secondaries, name)
			continue
		}
		onDisk, err := f.find(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(primaries, onDisk) {
			primaries = append(primaries, onDisk)
		}
	}
	if len(primaries) == 0 {
		return nil, failure.New(failure.Malformed, "read packing list", loc.Path, "migfile.packing-empty", fmt.Errorf("no primary file is named")).
			WithRemedy("name every .pri and .sec file, one on a line")
	}
	s := &source{files: f, reader: &reader{files: f, zone: zone}, secondaries: secondaries, assumed: !given}
	if s.index, err = makeIndex(ctx, f, s.reader, primaries); err != nil {
		f.close()
		return nil, err
	}
	s.reader.resolve = s.index.resolver()
	s.people, s.faults = findPeople(s.index)
	for id := range s.people {
		s.ids = append(s.ids, id)
	}
	for id := range s.faults {
		if s.people[id] == nil {
			s.ids = append(s.ids, id)
		}
	}
	slices.Sort(s.ids)
	s.caps = connector.Capabilities{System: "migfile", Location: loc.String(), Fidelity: connector.Canonical, Flags: mail.Seen | mail.Draft,
		DatePrecision: time.Second, SpecialUse: true, Contacts: true, Lists: true}
	return s, nil
}

// readList reads the packing list, whose name may be given in other letter case.
func readList(path string) (mf.PackingList, error) {
	f, err := os.Open(path)
	if err != nil {
		return mf.PackingList{}, failure.New(failure.ClassOf(err), "open packing list", path, "migfile.packing-list", err).
			WithRemedy("name the packing list (.pkl) that the extractor wrote")
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return mf.PackingList{}, failure.New(failure.Usage, "open packing list", path, "migfile.packing-list", fmt.Errorf("this is a directory")).
			WithRemedy("name the packing list (.pkl) in it")
	}
	return mf.ReadPackingList(f, path)
}

func (s *source) Capabilities() connector.Capabilities { return s.caps }

func (s *source) Users(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		for _, id := range s.ids {
			if ctx.Err() != nil {
				yield(directory.User{}, cancelled(ctx))
				return
			}
			u, err := directory.User{ID: id}, s.faults[id]
			if p := s.people[id]; p != nil {
				u, err = p.user, p.err
			}
			if !yield(u, err) {
				return
			}
		}
	}
}

func cancelled(ctx context.Context) error {
	return failure.New(failure.Cancelled, "read migration files", "", "cancelled", ctx.Err())
}

func (s *source) Book(ctx context.Context) (directory.Book, error) {
	if ctx.Err() != nil {
		return directory.Book{}, cancelled(ctx)
	}
	return s.index.book(), nil
}

func (s *source) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	if ctx.Err() != nil {
		return nil, cancelled(ctx)
	}
	p := s.people[user]
	switch {
	case p == nil && s.faults[user] != nil:
		return nil, s.faults[user]
	case p == nil:
		return nil, failure.New(failure.Vanished, "open mailbox", user, "migfile.no-user", nil)
	case p.err != nil:
		return nil, p.err
	}
	return &mailbox{source: s, person: p}, nil
}

func (s *source) Close() error {
	s.files.close()
	return nil
}
