package dbx

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"waybill/connector/files"
	"waybill/connector/filesource"
	"waybill/failure"
	format "waybill/format/dbx"
	"waybill/mail"
)

// listName is the file with the names of folders.
const listName = "Folders.dbx"

// recovered is the folder of what was found by looking through whole files.
const recovered = "Recovered"

// store is one user's files.
type store struct {
	root    string
	options options

	mu    sync.Mutex
	known map[string]*folderFile // by path, so that what was learnt of a file is kept

	stranded strandedFolder
}

func (s *store) Close() error { return nil }

// file returns what is known of a folder's file.
func (s *store) file(path string, beside ...string) *folderFile {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.known[path]
	if f == nil {
		f = &folderFile{path: path, beside: beside}
		s.known[path] = f
	}
	return f
}

// directory is a directory with folder files: Outlook Express has one for each
// identity.
type directory struct {
	path  string
	parts []string // below the user's directory
	names []string // of folder files
}

// Folders lists the folders of all identities. Where there are several, each
// one's folders lie in a folder called after its directory.
func (s *store) Folders(ctx context.Context) ([]filesource.Folder, error) {
	info, err := files.Stat(s.root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		f := s.file(s.root)
		return s.withRecovered([]filesource.Folder{{Folder: mail.Folder{Path: mail.Inbox, Use: mail.UseInbox, Notes: f.notes(ctx)}, Contents: f}}, []*folderFile{f}), nil
	}
	dirs, err := s.directories(ctx, s.root, nil)
	if err != nil {
		return nil, err
	}
	var list []filesource.Folder
	var all []*folderFile
	for _, d := range dirs {
		var above []string
		if len(dirs) > 1 {
			above = d.parts
			if len(above) == 0 {
				above = []string{filepath.Base(d.path)}
			}
		}
		folders, found, err := s.identity(ctx, d, above)
		if err != nil {
			return nil, err
		}
		list, all = append(list, folders...), append(all, found...)
	}
	return s.withRecovered(list, all), nil
}

func (s *store) withRecovered(list []filesource.Folder, all []*folderFile) []filesource.Folder {
	if s.options.recover && len(all) > 0 {
		s.stranded.set(s.root, all)
		list = append(list, filesource.Folder{Folder: mail.Folder{Path: mail.NewPath(recovered)}, Contents: &s.stranded})
	}
	return list
}

// directories finds the directories with folder files below a user's.
func (s *store) directories(ctx context.Context, path string, parts []string) ([]directory, error) {
	const deepest = 16 // Application Data\Identities\{...}\Microsoft\Outlook Express
	names, err := files.Names(ctx, path)
	if err != nil {
		return nil, err
	}
	d := directory{path: path, parts: parts}
	var list []directory
	for _, name := range names {
		full := filepath.Join(path, name)
		switch {
		case strings.HasPrefix(name, "."):
		case files.IsDir(full):
			if len(parts) >= deepest {
				return nil, failure.New(failure.TooLarge, "list folders", full, "dbx.depth", fmt.Errorf("directories are nested more than %d deep", deepest)).
					WithRemedy("name the directory that has the folder files")
			}
			shown, _ := files.UnescapeName(name)
			below, err := s.directories(ctx, full, append(slices.Clone(parts), shown))
			if err != nil {
				return nil, err
			}
			list = append(list, below...)
		case isFolderFile(name):
			d.names = append(d.names, name)
		}
	}
	if len(d.names) > 0 {
		list = append([]directory{d}, list...)
	}
	return list, nil
}

// identity lists the folders of one directory.
func (s *store) identity(ctx context.Context, d directory, above []string) ([]filesource.Folder, []*folderFile, error) {
	places, listed, note := s.list(ctx, d)
	if ctx.Err() != nil {
		return nil, nil, files.Fail("list folders", d.path, "dbx.folders", ctx.Err())
	}
	byFile := map[string]format.Place{}
	for _, p := range places {
		byFile[strings.ToLower(p.File)] = p
	}
	var list []filesource.Folder
	var all []*folderFile
	for _, name := range d.names {
		path := filepath.Join(d.path, name)
		if strings.EqualFold(name, listName) {
			continue
		}
		f := s.file(path, listed...)
		kind, err := f.kind(ctx)
		if err == nil && kind != format.Messages && kind != format.Version4 || err != nil && !hasSuffix(name, suffix) {
			continue // Offline.dbx and the like, and .mbx files of other programs
		}
		shown, _ := files.UnescapeName(name)
		p, known := byFile[strings.ToLower(shown)]
		if known {
			delete(byFile, strings.ToLower(shown))
		} else {
			p = format.Place{Names: []string{strings.TrimSuffix(shown, filepath.Ext(shown))}}
		}
		folder := mail.Folder{Path: folderPath(above, p.Names), Use: use(above, p), Notes: append(f.notes(ctx), note...)}
		if !known && len(places) > 0 {
			folder.Notes = append(folder.Notes, mail.Note{Kind: "folder-not-listed", Text: name + " is not in the list of folders; the folder is called after its file."})
		}
		list, all = append(list, filesource.Folder{Folder: folder, Contents: f}), append(all, f)
		note = nil
	}
	// Folders that are listed and have no file yet were never written to.
	for _, p := range places {
		if _, without := byFile[strings.ToLower(p.File)]; without {
			list = append(list, filesource.Folder{Folder: mail.Folder{Path: folderPath(above, p.Names), Use: use(above, p), Notes: note}, Contents: &missing{path: filepath.Join(d.path, p.File), messages: p.Messages}})
			note = nil
		}
	}
	return list, all, nil
}

func folderPath(above, names []string) mail.Path {
	return mail.NewPath(append(slices.Clone(above), names...)...)
}

func use(above []string, p format.Place) mail.SpecialUse {
	if len(above) > 0 {
		return mail.NoUse
	}
	return p.Use
}

// list reads Folders.dbx. Its inbox is called INBOX, whatever its language, and
// so is it in the names of the folders in it.
func (s *store) list(ctx context.Context, d directory) (places []format.Place, listed []string, notes []mail.Note) {
	i := slices.IndexFunc(d.names, func(name string) bool { return strings.EqualFold(name, listName) })
	if i < 0 {
		return nil, nil, nil
	}
	path := filepath.Join(d.path, d.names[i])
	at, err := files.OpenAt(ctx, path)
	if err == nil {
		defer func() { _ = at.Close() }()
		var f *format.File
		if f, err = format.Open(at, at.Size(), path); err == nil {
			var all []format.Folder
			all, err = f.Folders(ctx, s.options.codePage)
			places = format.Arrange(all)
		}
	}
	if err != nil {
		notes = []mail.Note{{Kind: "folder-list-damaged", Text: "The list of folders could not be read in full, so folders may be called after their files: " + err.Error()}}
	}
	inbox := ""
	for _, p := range places {
		if p.Use == mail.UseInbox && len(p.Names) == 1 {
			inbox = p.Names[0]
		}
	}
	for _, p := range places {
		if inbox != "" && p.Names[0] == inbox {
			p.Names[0] = string(mail.Inbox)
		}
	}
	return places, []string{path}, notes
}

// gone is the error of a file that is listed, has messages, and is not there.
func gone(path string, messages int64) error {
	return failure.New(failure.Vanished, "list messages", path, "dbx.no-file", fmt.Errorf("the folder has %d messages by the list of folders, and its file is not there", messages)).
		WithRemedy("copy the file from where the others came from")
}
