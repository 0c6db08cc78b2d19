package msmail

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"path"
	"strings"

	"waybill/failure"
	"waybill/format/msmail/evidence"
	"waybill/format/msmail/fld"
	"waybill/format/msmail/glb"
)

// Folders lists all folders and message stores, read or not: shared and group
// folders in FOLDERS/PUB, the users' own in FOLDERS/LOC, message stores in MMF.
func (p *Postoffice) Folders(ctx context.Context) ([]Folder, error) {
	dirs := []string{"FOLDERS/PUB"}
	local, err := p.tree.List("FOLDERS/LOC")
	if err != nil {
		return nil, err
	}
	for _, e := range local {
		if e.Dir && !e.Twin {
			dirs = append(dirs, "FOLDERS/LOC/"+e.Name)
		}
	}
	var set folderSet
	for _, dir := range dirs {
		if ctx.Err() != nil {
			return nil, failure.New(failure.Cancelled, "list folders", dir, "", ctx.Err())
		}
		if err := p.folderFiles(ctx, dir, &set); err != nil {
			return nil, err
		}
	}
	p.nameFolders(&set)
	return p.stores(set.folders)
}

type folderSet struct {
	folders []Folder
	numbers []glb.ID
	records []fld.Entry
	index   []string // of each record
	types   map[glb.ID]byte
}

func (p *Postoffice) folderFiles(ctx context.Context, dir string, set *folderSet) error {
	entries, err := p.tree.List(dir)
	if err != nil {
		return err
	}
	if set.types == nil {
		set.types = map[glb.ID]byte{}
	}
	for _, e := range entries {
		base, ext := strings.ToUpper(strings.TrimSuffix(e.Name, path.Ext(e.Name))), strings.ToUpper(path.Ext(e.Name))
		name := dir + "/" + e.Name
		id, digits := glb.ParseID(base)
		switch {
		case e.Dir || e.Other || e.Twin:
		case ext == ".IDX":
			t, _, err := p.table(name, fld.IndexHeader, fld.IndexRecord)
			if err != nil {
				return err
			}
			for i := range t.Len() {
				set.records = append(set.records, fld.Entry(t.Record(i)))
				set.index = append(set.index, name)
			}
		case ext == ".FLD" && digits:
			f, err := p.folder(ctx, name)
			if err != nil {
				return err
			}
			if strings.HasPrefix(dir, "FOLDERS/LOC/") && f.Kind == UnknownFolder {
				f.Kind = PrivateFolder
			}
			set.types[id] = byte(f.Kind)
			set.folders = append(set.folders, f)
			set.numbers = append(set.numbers, id)
		}
	}
	return nil
}

// folder looks into a folder file.
func (p *Postoffice) folder(ctx context.Context, name string) (Folder, error) {
	f := Folder{File: name, Messages: -1, WayRound: fld.FolderWayRound, Certainty: evidence.Hypothesis}
	head, size, err := p.fileHead(name)
	if err != nil {
		return f, err
	}
	f.Size = max(size, 0)
	kind, ok := fld.Type(head)
	if !ok {
		f.Why = "the file is shorter than the header of a folder (KB Q105960)"
		return f, nil
	}
	if kind <= fld.TypeShared {
		f.Kind = FolderKind(kind)
	}
	parts, proven, err := p.folderParts(ctx, name)
	switch {
	case err != nil:
		return f, err
	case !proven:
		f.Why = "the messages in the file do not follow each other in the way that is believed; nothing is published about it"
	case len(parts) == 0:
		f.Messages, f.Readable, f.WayRound, f.Certainty = 0, true, "", evidence.Documented
	default:
		f.Messages = len(parts)
		first, err := p.envelope(ctx, part{name, parts[0].Offset, parts[0].Length})
		if err != nil {
			f.Why = "the first message cannot be read: " + err.Error()
			break
		}
		if m := p.message(first, part{name, parts[0].Offset, parts[0].Length}, nil); m.Readable && m.Whole() {
			f.Readable, f.WayRound = true, ""
		} else {
			f.Why = "the messages are there and their strings cannot be decrypted"
		}
	}
	return f, nil
}

func (p *Postoffice) folderParts(ctx context.Context, name string) ([]fld.Part, bool, error) {
	r, size, err := p.open(ctx, part{file: name})
	if err != nil {
		return nil, false, err
	}
	defer func() { _ = r.Close() }()
	return fld.Count(ctx, r, name, size)
}

// nameFolders gives folders their names, owners and indexes.
func (p *Postoffice) nameFolders(set *folderSet) {
	users := map[glb.ID]bool{}
	for i := range p.users {
		users[p.users[i].ID] = true
	}
	layout, found := fld.LocateIndex(set.records, set.types, users)
	// Eight digits that name a file do not come by chance.
	if digits := layout.Digits && found[0].For > 1 && found[0].For > found[0].RunnerUp; !digits && !believable(found[0]) {
		return
	}
	byFile := map[glb.ID]int{}
	for i := range set.records {
		if id, ok := set.records[i].File(layout); ok {
			byFile[id] = i
		}
	}
	for i := range set.folders {
		j, ok := byFile[set.numbers[i]]
		if !ok {
			continue
		}
		f, rec := &set.folders[i], &set.records[j]
		f.Index = set.index[j]
		if believable(found[2]) {
			f.Name, f.Comment = p.page.Decode(rec.Name(layout)), p.page.Decode(rec.Comment(layout))
		}
		if believable(found[1]) {
			f.Owner, f.Owned = rec.Owner(layout)
		}
	}
}

// stores adds the message stores. Nothing is published of their inside, and they
// are encrypted (KB Q130322).
func (p *Postoffice) stores(folders []Folder) ([]Folder, error) {
	entries, err := p.tree.List("MMF")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.Dir || e.Twin || strings.EqualFold(e.Name, "POPULATE.MSM") {
			continue
		}
		f := Folder{File: "MMF/" + e.Name, Kind: MessageStore, Messages: -1, Why: "message stores are encrypted, and their form was never published (KB Q130322)", WayRound: fld.StoreWayRound, Certainty: evidence.Documented}
		base := strings.TrimSuffix(strings.ToUpper(e.Name), strings.ToUpper(path.Ext(e.Name)))
		f.Owner, f.Owned = glb.ParseID(base)
		switch ext := strings.ToUpper(path.Ext(e.Name)); {
		case ext == ".MMF":
		case f.Owned, strings.HasPrefix(base, "~"):
			f.Why += "; by its name this is what a repair left behind (KB Q104362)"
		default:
			continue
		}
		info, err := p.tree.Stat(f.File)
		if err != nil && !errors.Is(err, fs.ErrNotExist) && failure.RuleOf(err) != "msmail.link" {
			return nil, err
		}
		if err == nil {
			f.Size = info.Size()
		}
		folders = append(folders, f)
	}
	return folders, nil
}

// FolderMessages reads the messages of a folder that is Readable, in their order. A
// message that cannot be read is given as an error and the listing goes on.
func (p *Postoffice) FolderMessages(ctx context.Context, f Folder) iter.Seq2[*Message, error] {
	return func(yield func(*Message, error) bool) {
		if !f.Readable {
			yield(nil, failure.New(failure.Unsupported, "read folder", f.File, "fld.unreadable", errors.New(f.Why)).WithRemedy(f.WayRound))
			return
		}
		parts, proven, err := p.folderParts(ctx, f.File)
		if err != nil || !proven {
			if err == nil {
				err = failure.New(failure.Malformed, "read folder", f.File, "fld.changed", io.ErrUnexpectedEOF)
			}
			yield(nil, err)
			return
		}
		for _, piece := range parts {
			where := part{f.File, piece.Offset, piece.Length}
			e, err := p.envelope(ctx, where)
			if err != nil {
				if !yield(nil, err) || failure.ClassOf(err) == failure.Cancelled {
					return
				}
				continue
			}
			if !yield(p.message(e, where, nil), nil) {
				return
			}
		}
	}
}
