// Package maildir reads and writes trees of Maildirs: one directory for each
// user, with the folders beside the inbox in the manner of Maildir++ (Courier,
// Dovecot) or as a plain tree (Dovecot's LAYOUT=fs).
//
// # Names
//
// Folder names are read as modified UTF-7 (RFC 3501 5.1.3) when they can be,
// else as UTF-8; characters that the layout reserves are taken from the escapes
// of Dovecot's listescape plugin ("\2e" for a dot). The target writes modified
// UTF-7, or UTF-8 with ?names=utf8, and the same escapes.
//
// # Messages
//
// The key of a message is its file's name without the flags, which stays the
// same for the message's whole life. The internal date is the time of the last
// change to the file, as Dovecot has it. Keywords are lower-case letters that
// the file dovecot-keywords of each folder spells out. The target puts messages
// into cur/, not new/: there they are unseen without being announced as new
// arrivals, and every program reads both in the same way.
package maildir

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

const scheme = "maildir"

// options are what a location says after its "?".
type options struct {
	// utf8 is set for names=utf8, utf7 for names=utf7; neither: told by looking.
	utf8, utf7 bool
	// fs is set for layout=fs, plus for layout=maildir++; neither: both are read.
	fs, plus bool
	// compressed says that every file may be compressed, marked or not.
	compressed bool
	// now is the clock.
	now func() time.Time
}

func readOptions(loc connector.Location, known ...string) (options, error) {
	opt := options{now: time.Now}
	if err := loc.RejectOptions(known...); err != nil {
		return opt, err
	}
	bad := func(name, want string) error {
		return failure.New(failure.Usage, "open", loc.String(), "usage.option",
			fmt.Errorf("%s=%s is not known", name, loc.Options.Get(name))).WithRemedy("say " + want)
	}
	switch loc.Options.Get("names") {
	case "":
	case "utf8":
		opt.utf8 = true
	case "utf7":
		opt.utf7 = true
	default:
		return opt, bad("names", "names=utf7 or names=utf8")
	}
	switch loc.Options.Get("layout") {
	case "":
	case "fs":
		opt.fs = true
	case "maildir++":
		opt.plus = true
	default:
		return opt, bad("layout", "layout=maildir++ or layout=fs")
	}
	switch loc.Options.Get("compressed") {
	case "", "0":
	case "1":
		opt.compressed = true
	default:
		return opt, bad("compressed", "compressed=1")
	}
	return opt, nil
}

const allFlags = mail.Seen | mail.Answered | mail.Flagged | mail.Deleted | mail.Draft | mail.Forwarded

func capabilities(loc connector.Location) connector.Capabilities {
	return connector.Capabilities{
		System:        scheme,
		Location:      loc.String(),
		Fidelity:      connector.Exact,
		Flags:         allFlags,
		Keywords:      true,
		MaxKeywords:   maxKeywords - 1, // one letter is kept for $Forwarded
		DatePrecision: time.Second,
		// What ext4 keeps; other file systems keep more, or have a note written.
		EarliestDate:   time.Unix(-1<<31, 0).UTC(),
		LatestDate:     time.Date(2446, time.May, 10, 22, 38, 55, 0, time.UTC),
		Subscriptions:  true,
		EmptyFolders:   true,
		CreateAccounts: true,
		DeleteAccounts: true,
	}
}

// Source opens a directory of Maildirs, or one Maildir, for reading. Options:
// names (utf7, utf8), layout (maildir++, fs), compressed (1: files may be
// compressed without being marked).
func Source(ctx context.Context, loc connector.Location) (connector.Source, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open", loc.String(), "maildir.open", err)
	}
	opt, err := readOptions(loc, "names", "layout", "compressed")
	if err != nil {
		return nil, err
	}
	dir := filepath.Clean(loc.Path)
	if loc.URL != nil || !files.IsDir(dir) {
		return nil, failure.New(failure.Vanished, "open", loc.String(), "maildir.no-directory",
			errors.New("it is not a directory")).WithRemedy("name the directory that holds the users' Maildirs")
	}
	return &source{loc: loc, dir: dir, opt: opt, single: isMaildir(dir, true)}, nil
}
