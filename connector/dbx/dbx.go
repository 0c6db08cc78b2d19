// Package dbx is the source for the folder files of Outlook Express: dbx:DIR with
// DIR/<user>/.../*.dbx, or a directory of one user, or one file. Versions 5 and 6
// (.dbx) and 4 (.mbx) are read.
//
// Where Folders.dbx lies beside the files it gives the folders their names, their
// order and their roles; without it a folder is called after its file. A message's
// key is its number in its folder. Entries that cannot be read, and those that a
// folder states and does not have, are errors of their own; with recover=1 the
// folder "Recovered" has what is found by looking through the whole files.
package dbx

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/connector/filesource"
	"waybill/failure"
	"waybill/format/mapi"
	"waybill/mail"
)

const scheme = "dbx"

// suffix4 is the ending of the files of version 4.
const (
	suffix  = ".dbx"
	suffix4 = ".mbx"
)

func hasSuffix(name, end string) bool {
	return len(name) > len(end) && name[0] != '.' && strings.EqualFold(name[len(name)-len(end):], end)
}

// isFolderFile reports whether a name is that of a folder's file.
func isFolderFile(name string) bool { return hasSuffix(name, suffix) || hasSuffix(name, suffix4) }

// options are those of the location.
type options struct {
	codePage int
	recover  bool
}

// Source opens a directory of users' directories, one user's directory (which has
// folder files directly in it), or one file. Options: codepage=N for the names of
// folders (1252); recover=1 looks for messages that their folders have lost, and
// for deleted ones; user=NAME makes the directory that of one user.
func Source(ctx context.Context, loc connector.Location) (connector.Source, error) {
	if err := ctx.Err(); err != nil {
		return nil, files.Fail("open", loc.String(), scheme+".open", err)
	}
	o, err := readOptions(loc)
	if err != nil {
		return nil, err
	}
	path := filepath.Clean(loc.Path)
	info, err := files.Stat(path)
	switch {
	case loc.URL != nil:
		return nil, failure.New(failure.Usage, "open", loc.String(), "dbx.no-directory", errors.New("it is not a directory"))
	case err != nil:
		return nil, err
	case !info.IsDir() && !info.IsRegular():
		return nil, files.NotRegular(path)
	}
	single := loc.Options.Get("user") != "" || info.IsRegular()
	if !single {
		names, err := files.Names(ctx, path)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			single = single || isFolderFile(name) && !files.IsDir(filepath.Join(path, name))
		}
	}
	return &filesource.Source{System: filesource.System{
		Location: loc,
		Flags:    mail.Seen | mail.Answered | mail.Flagged | mail.Draft | mail.Forwarded,
		Keywords: true,
		Places: func(ctx context.Context) ([]filesource.Place, error) {
			if single {
				return []filesource.Place{filesource.OneUser(loc, path)}, nil
			}
			return filesource.UserDirectories(ctx, loc, path)
		},
		Open: func(_ context.Context, p filesource.Place) (filesource.Store, error) {
			return &store{root: p.Path, options: o, known: map[string]*folderFile{}}, nil
		},
	}}, nil
}

func readOptions(loc connector.Location) (options, error) {
	o := options{codePage: 1252}
	if err := loc.RejectOptions("codepage", "recover", "user"); err != nil {
		return o, err
	}
	wrong := func(name, remedy string) error {
		return failure.New(failure.Usage, "open", loc.String(), "usage.option", errors.New(name+"="+loc.Options.Get(name)+" is not known")).WithRemedy(remedy)
	}
	if v := loc.Options.Get("recover"); v != "" && v != "1" {
		return o, wrong("recover", "it is recover=1")
	} else if v != "" {
		o.recover = true
	}
	if v := loc.Options.Get("codepage"); v != "" {
		page, err := strconv.Atoi(v)
		if _, known := mapi.CodePage(page); err != nil || !known {
			return o, wrong("codepage", "it is the number of a code page, for instance 1250 or 932")
		}
		o.codePage = page
	}
	return o, nil
}
