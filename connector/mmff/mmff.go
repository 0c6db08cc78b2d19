// Package mmff reads and writes files in the Microsoft Mail File Format as a mail
// system: mmff:DIR holds one directory for each user, directories in it for
// folders, and files with one message or several; mmff:FILE is one file.
//
// # Options
//
//	codepage=850         the code page of the text, which the format does not name (default 850)
//	zone=Europe/Berlin   the zone of the dates, which name none (default UTC)
//
// # What a target keeps
//
// The format holds addresses without names, one kind of recipient, a subject, a
// date to the minute, a priority, a text, and attachments. Fingerprint digests
// just these. Copies become recipients as the File Format API made them; blind
// copies are left out, because whoever imports the file sends it to all that it
// names. It has no place for the date of arrival, flags and keywords. Notes tell
// what was left out. Only the basic form is written: the names of the extended
// form's lines were never published.
package mmff

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/connector/foldertree"
	"waybill/failure"
	mf "waybill/format/migfile"
)

const (
	scheme = "mmff"
	suffix = ".mmf.txt"
	// defaultPage is the code page of DOS in Western Europe.
	defaultPage = 850
)

// Notes that the connector makes.
const (
	noteNames    = "names-not-kept"
	noteCopies   = "cc-as-to"
	noteBlind    = "bcc-not-kept"
	noteZone     = "date-zone-assumed"
	noteDate     = "date-from-header"
	noteHeader   = "header-in-text"
	noteExternal = "attachment-in-file"
)

// clock tells the time.
type clock func() time.Time

func capabilities(loc connector.Location, _ form) connector.Capabilities {
	return connector.Capabilities{System: scheme, Location: loc.String(), Fidelity: connector.Canonical, EmptyFolders: true, CreateAccounts: true, DeleteAccounts: true}
}

// candidate tells whether a file may hold messages, by its name.
func candidate(name string) bool { return name != "" && name[0] != '.' }

// delivered tells whether rest is what follows the moment in such a name.
func delivered(rest string) bool { return rest == suffix }

// tree tells how the files of a tree are called.
func tree() *foldertree.Format {
	return &foldertree.Format{
		System:    scheme,
		Unlike:    "do not begin with VERSION:",
		Candidate: candidate,
		Holds:     isMMFF,
		Delivered: delivered,
		Shown:     isDelivery,
		Kept:      func(name string) bool { return strings.HasPrefix(name, ".") },
	}
}

// isDelivery tells whether a name is one that Append gave.
func isDelivery(name string) bool {
	_, _, rest, ok := files.ParseMomentName(name)
	return ok && delivered(rest) && foldertree.Inside(name)
}

// isMMFF tells whether a file begins as the format does.
func isMMFF(ctx context.Context, path string) bool {
	r, err := files.Open(ctx, path)
	if err != nil {
		return true // what cannot be read is not taken for something else
	}
	defer func() { _ = r.Close() }()
	head := make([]byte, 256)
	n, _ := r.Read(head)
	text := strings.TrimLeft(string(head[:n]), "\r\n\t \x1a")
	return len(text) >= 8 && strings.EqualFold(text[:8], "VERSION:") || n == 0
}

// formOf reads the options.
func formOf(loc connector.Location) (form, error) {
	f := form{zone: time.UTC}
	if err := loc.RejectOptions("codepage", "zone"); err != nil {
		return f, err
	}
	number := defaultPage
	if s := loc.Options.Get("codepage"); s != "" {
		var err error
		if number, err = strconv.Atoi(s); err != nil {
			return f, failure.New(failure.Usage, "open", loc.String(), "usage.codepage", err).WithRemedy("codepage= is a number: 437, 850, 1252 ...")
		}
	}
	var err error
	if f.page, err = mf.NewCodePage(number, loc.String()); err != nil {
		return f, err
	}
	if name := loc.Options.Get("zone"); name != "" {
		if f.zone, err = time.LoadLocation(name); err != nil {
			return f, failure.New(failure.Usage, "open", loc.String(), "usage.zone", err).WithRemedy("name a zone as Europe/Berlin or UTC")
		}
		f.zoned = true
	}
	return f, nil
}

// Source opens files in the Microsoft Mail File Format for reading: a directory
// of users' directories, one user's directory, or one file.
func Source(ctx context.Context, loc connector.Location) (connector.Source, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open", loc.String(), "mmff.open", err)
	}
	f, err := formOf(loc)
	if err != nil {
		return nil, err
	}
	path := filepath.Clean(loc.Path)
	info, err := files.Stat(path)
	if loc.URL != nil || err != nil {
		return nil, failure.New(failure.Vanished, "open", loc.String(), "mmff.no-directory", errors.Join(errors.New("there is no such file or directory"), err)).
			WithRemedy("name the directory that holds one directory for each user, or one file")
	}
	s := &source{loc: loc, form: f, now: time.Now, Source: foldertree.Source{Format: tree(), Dir: path, Only: foldertree.NameOf(path)}}
	if !info.IsDir() {
		s.file = filepath.Base(path)
		s.Single, s.Dir, s.Only = true, filepath.Dir(path), strings.TrimSuffix(s.file, filepath.Ext(path))
		return s, nil
	}
	if s.Single, err = s.Format.Alone(ctx, path); err != nil {
		return nil, err
	}
	return s, nil
}

// Target opens a directory of users' directories for writing. It is made with
// the first account if it is not there.
func Target(ctx context.Context, loc connector.Location) (connector.Target, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open", loc.String(), "mmff.open", err)
	}
	f, err := formOf(loc)
	if err != nil {
		return nil, err
	}
	dir := filepath.Clean(loc.Path)
	if info, err := files.Stat(dir); loc.URL != nil || err == nil && !info.IsDir() {
		return nil, failure.New(failure.Usage, "open", loc.String(), "mmff.not-a-directory", errors.New("it is not a directory")).
			WithRemedy("name a directory, or one that is not there yet")
	}
	return &target{loc: loc, now: time.Now, form: f, Target: foldertree.Target{Format: tree(), Dir: dir, What: "the Microsoft Mail File Format"}}, nil
}
