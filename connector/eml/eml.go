// Package eml reads and writes trees of message files: one directory for each
// user, directories in it for folders, and one file ending in .eml for each
// message. The files that lie directly in a user's directory are the inbox.
//
// A target calls files .vcf and .ics that hold a bare vCard or iCalendar object,
// and a source reads those that a target wrote.
//
// Such files carry nothing but the message. What else the target knows of it,
// internal date, flags and keywords, it writes to a file called .waybill.jsonl
// in each folder, one line of JSON for each message; the last line about a
// message counts. Without such a line the internal date is guessed: the Date
// field of the header, or else the time of the file.
package eml

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/connector/foldertree"
	"waybill/failure"
	"waybill/mail"
)

const (
	scheme = "eml"
	suffix = ".eml"
)

// clock tells the time.
type clock func() time.Time

const allFlags = mail.Seen | mail.Answered | mail.Flagged | mail.Deleted | mail.Draft | mail.Forwarded

func capabilities(loc connector.Location) connector.Capabilities {
	return connector.Capabilities{
		System:         scheme,
		Location:       loc.String(),
		Fidelity:       connector.Exact,
		Flags:          allFlags,
		Keywords:       true,
		DatePrecision:  time.Second,
		EmptyFolders:   true,
		CreateAccounts: true,
		DeleteAccounts: true,
	}
}

// format tells how the tree's files are called.
func format() *foldertree.Format {
	return &foldertree.Format{
		System:    scheme,
		Unlike:    "do not end in " + suffix,
		Candidate: isMessage,
		Delivered: delivered,
		Shown:     isMessage,
		Kept:      func(name string) bool { return name == sidecarName },
	}
}

// Source opens a directory of users' directories for reading, or one user's
// directory: one that has message files directly in it. It takes no options.
func Source(ctx context.Context, loc connector.Location) (connector.Source, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open", loc.String(), "eml.open", err)
	}
	if err := loc.RejectOptions(); err != nil {
		return nil, err
	}
	dir := filepath.Clean(loc.Path)
	if loc.URL != nil || !files.IsDir(dir) {
		return nil, failure.New(failure.Vanished, "open", loc.String(), "eml.no-directory", errors.New("it is not a directory")).
			WithRemedy("name the directory that holds one directory for each user")
	}
	single, err := format().Alone(ctx, dir)
	if err != nil {
		return nil, err
	}
	return &source{loc: loc, now: time.Now, Source: foldertree.Source{Format: format(), Dir: dir, Single: single, Only: foldertree.NameOf(dir)}}, nil
}

// Target opens a directory of users' directories for writing. It is made with
// the first account if it is not there. It takes no options.
func Target(ctx context.Context, loc connector.Location) (connector.Target, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open", loc.String(), "eml.open", err)
	}
	if err := loc.RejectOptions(); err != nil {
		return nil, err
	}
	dir := filepath.Clean(loc.Path)
	if info, err := files.Stat(dir); loc.URL != nil || err == nil && !info.IsDir() {
		return nil, failure.New(failure.Usage, "open", loc.String(), "eml.not-a-directory", errors.New("it is not a directory")).
			WithRemedy("name a directory, or one that is not there yet")
	}
	return &target{loc: loc, now: time.Now, Target: foldertree.Target{Format: format(), Dir: dir, What: "a tree of message files"}}, nil
}
