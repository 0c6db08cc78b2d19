// Package msg is the source for single messages that Outlook saved as .msg
// files: msg:DIR with DIR/<user>/<folder>/.../*.msg, or a directory of one user
// that has such files directly in it. The files that lie directly in a user's
// directory are the inbox.
//
// A message's key is the name of its file. Mail becomes Internet mail as
// format/mapimail says; contacts, appointments, tasks, notes and journal entries
// become messages that carry the .vcf or .ics (format/mapiitem). The same file
// gives the same bytes each time. A file that is no message, or whose properties
// cannot be read, is an error of its own.
package msg

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/connector/filesource"
	"waybill/failure"
	"waybill/mail"
)

const (
	scheme = "msg"
	suffix = ".msg"
)

// isMessage reports whether a name is that of a message file.
func isMessage(name string) bool {
	return len(name) > len(suffix) && name[0] != '.' && strings.EqualFold(name[len(name)-len(suffix):], suffix)
}

// Source opens a directory of users' directories, or one user's directory.
// Options: user=NAME makes the directory that of one user; receipts=disarm
// renames the fields that ask for receipts.
func Source(ctx context.Context, loc connector.Location) (connector.Source, error) {
	if err := loc.RejectOptions("user", "receipts"); err != nil {
		return nil, err
	}
	if v := loc.Options.Get("receipts"); v != "" && v != "disarm" {
		return nil, failure.New(failure.Usage, "open", loc.String(), "usage.option", errors.New("unknown receipts="+v)).WithRemedy("it is receipts=disarm")
	}
	dir, err := filesource.Directory(ctx, loc)
	if err != nil {
		return nil, err
	}
	single := loc.Options.Get("user") != ""
	if !single {
		names, err := files.Names(ctx, dir)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			single = single || isMessage(name) && !files.IsDir(filepath.Join(dir, name))
		}
	}
	disarm := loc.Options.Get("receipts") != ""
	return &filesource.Source{System: filesource.System{
		Location: loc,
		Flags:    mail.Seen | mail.Answered | mail.Flagged | mail.Draft | mail.Forwarded,
		Keywords: true,
		Places: func(ctx context.Context) ([]filesource.Place, error) {
			if single {
				return []filesource.Place{filesource.OneUser(loc, dir)}, nil
			}
			return filesource.UserDirectories(ctx, loc, dir)
		},
		Open: func(_ context.Context, p filesource.Place) (filesource.Store, error) {
			return &store{place: p, disarm: disarm}, nil
		},
	}}, nil
}

// store is one user's tree of files.
type store struct {
	place  filesource.Place
	disarm bool
}

func (s *store) Close() error { return nil }

// Folders are the directories.
func (s *store) Folders(ctx context.Context) ([]filesource.Folder, error) {
	dirs, err := filesource.Tree{System: scheme, Root: mail.Inbox, IsMessage: isMessage}.Walk(ctx, s.place.Path)
	if err != nil {
		return nil, err
	}
	list := make([]filesource.Folder, len(dirs))
	for i, d := range dirs {
		f := folder{store: s, name: string(d.Folder.Path)}
		list[i] = filesource.Folder{Folder: d.Folder, Contents: &filesource.FolderFiles{
			System: scheme, Dir: d.Path, IsMessage: isMessage, OpenFile: f.open,
			List: func(ctx context.Context) ([]string, error) { return names(ctx, d.Path) },
			Begin: func(context.Context) (filesource.Describe, error) {
				return f.describe, nil
			},
		}}
	}
	return list, nil
}

// names lists the message files of a directory, sorted.
func names(ctx context.Context, dir string) ([]string, error) {
	all, err := files.Names(ctx, dir)
	if err != nil {
		return nil, err
	}
	kept := all[:0]
	for _, name := range all {
		if isMessage(name) {
			kept = append(kept, name)
		}
	}
	return kept, nil
}
