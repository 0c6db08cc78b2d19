package migfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"waybill/connector"
	"waybill/connector/migfile/canon"
	"waybill/connector/migfile/journal"
	"waybill/directory"
	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/mail"
	"waybill/rights"
)

const (
	// ownComment is the comment in packing lists that Waybill wrote; no other is
	// written to.
	ownComment    = " Migration files written by Waybill"
	directoryFile = "Directory"
	publicFile    = "Public"
)

// target writes migration files.
type target struct {
	caps connector.Capabilities
	dir  string
	list string // path of the packing list
	page mf.CodePage
	zone *time.Location

	mu       sync.Mutex
	made     bool // the files exist
	accounts map[string]*account
	entries  map[string]object // contacts and lists by ID
	columns  []string          // of the last DIRECTORY section
	last     int               // the highest number of a pair of files
	listed   map[string]bool   // base names that the packing list names
}

// account is one mailbox with its pair of files.
type account struct {
	user directory.User
	base string // "00000001"

	mu sync.Mutex // held while the pair of files is written
	// fresh are folders that were made and perhaps hold nothing yet.
	fresh []mail.Path
	// used are the folders that hold messages, in the order of the file; nil: not
	// read yet.
	used []mail.Path
}

// Target opens the packing list that loc names for writing. A packing list that
// does not exist is made by the first change. One that Waybill did not write is
// an error of class Conflict, and so is a directory in which other migration
// files would be overwritten.
func Target(ctx context.Context, loc connector.Location) (connector.Target, error) {
	if err := loc.RejectOptions("zone", "codepage"); err != nil {
		return nil, err
	}
	zone, _, err := zoneOf(loc)
	if err != nil {
		return nil, err
	}
	number := mf.UTF8
	if s := loc.Options.Get("codepage"); s != "" {
		if number, err = strconv.Atoi(s); err != nil {
			return nil, failure.New(failure.Usage, "open", loc.String(), "usage.codepage", err).WithRemedy("codepage= is a number: 65001, 1252, 850 ...")
		}
	}
	page, err := mf.NewCodePage(number, loc.String())
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(filepath.Ext(loc.Path), ".pkl") {
		return nil, failure.New(failure.Usage, "open", loc.String(), "usage.packing-list", nil).WithRemedy("name a packing list: a file that ends in .pkl")
	}
	t := &target{dir: filepath.Dir(loc.Path), list: loc.Path, page: page, zone: zone,
		accounts: map[string]*account{}, entries: map[string]object{}, listed: map[string]bool{}}
	t.caps = connector.Capabilities{System: "migfile", Location: loc.String(), Fidelity: connector.Canonical, Flags: mail.Seen | mail.Draft,
		DatePrecision: time.Second, EarliestDate: time.Date(1, 1, 3, 0, 0, 0, 0, time.UTC), LatestDate: time.Date(9999, 12, 30, 0, 0, 0, 0, time.UTC),
		CreateAccounts: true, DeleteAccounts: true, Contacts: true, Lists: true, PublicName: PublicID}
	return t, t.load(ctx, loc.Options.Has("codepage"))
}

// load reads what the files hold.
func (t *target) load(ctx context.Context, explicit bool) error {
	list, err := readList(t.list)
	if failure.ClassOf(err) == failure.Vanished {
		return t.checkFree()
	}
	if err != nil {
		return err
	}
	if !slices.Contains(list.Comments, ownComment) {
		return failure.New(failure.Conflict, "open packing list", t.list, "migfile.foreign", errors.New("the packing list was written by another program")).
			WithRemedy("name a new packing list in a directory of its own")
	}
	if explicit && list.CodePage.Number != t.page.Number {
		return failure.New(failure.Conflict, "open packing list", t.list, "migfile.code-page", fmt.Errorf("the files are in code page %d, not %d", list.CodePage.Number, t.page.Number)).
			WithRemedy("leave codepage= out, or name a new packing list")
	}
	t.page, t.made = list.CodePage, true
	for _, name := range list.Files {
		t.listed[base(name)] = true
	}
	if err := journal.Recover(t.dir, directoryFile); err != nil {
		return err
	}
	return t.loadDirectory(ctx)
}

// checkFree refuses a directory where files of the same names lie already.
func (t *target) checkFree() error {
	entries, err := os.ReadDir(t.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return journal.Error("open packing list", t.dir, err)
	}
	for _, e := range entries {
		lower := strings.ToLower(e.Name())
		if !strings.HasSuffix(lower, ".pri") && !strings.HasSuffix(lower, ".sec") {
			continue
		}
		b, err := os.ReadFile(filepath.Join(t.dir, e.Name()))
		if e.Name() == directoryFile+".pri" && err == nil && string(b) == directoryStart {
			continue // left by a run that was cut off
		}
		return failure.New(failure.Conflict, "make packing list", filepath.Join(t.dir, e.Name()), "migfile.foreign", errors.New("other migration files lie here")).
			WithRemedy("name a packing list in a directory of its own")
	}
	return nil
}

const directoryStart = "!" + ownComment + "\r\n"

// ensure makes the files of a new target; t.mu is held.
func (t *target) ensure() error {
	if t.made {
		return nil
	}
	if err := os.MkdirAll(t.dir, 0o750); err != nil {
		return journal.Error("make packing list", t.dir, err)
	}
	if err := journal.WriteFile(filepath.Join(t.dir, directoryFile+".pri"), []byte(directoryStart)); err != nil {
		return err
	}
	t.listed[directoryFile] = true
	if err := t.writeList(); err != nil {
		return err
	}
	t.made = true
	return nil
}

// writeList replaces the packing list; t.mu is held.
func (t *target) writeList() error {
	list := mf.PackingList{CodePage: t.page, Comments: []string{ownComment}, Files: []string{directoryFile + ".pri"}}
	var bases []string
	for b := range t.listed {
		if b != directoryFile {
			bases = append(bases, b)
		}
	}
	slices.Sort(bases)
	for _, b := range bases {
		list.Files = append(list.Files, b+".pri", b+".sec")
	}
	var out strings.Builder
	_, _ = list.WriteTo(&out)
	return journal.WriteFile(t.list, []byte(out.String()))
}

func (t *target) Capabilities() connector.Capabilities { return t.caps }

func (t *target) FolderName(path mail.Path, attempt int) (mail.Path, string, []mail.Note) {
	return folderName(path, attempt, t.page)
}

// Probe tells whether files can be written beside the packing list.
func (t *target) Probe(ctx context.Context) ([]rights.Finding, error) {
	if ctx.Err() != nil {
		return nil, cancelled(ctx)
	}
	f := rights.Finding{Action: "write migration files", Identity: "this process", Where: t.dir, Needed: "write access to the directory", OK: true}
	dir := t.dir
	for {
		info, err := os.Stat(dir)
		if err == nil && !info.IsDir() {
			f.OK, f.Detail = false, dir+" is no directory"
			break
		}
		if err == nil {
			if err := writable(dir); err != nil {
				f.OK, f.Detail, f.Grant = false, err.Error(), "chmod u+w "+dir
			}
			break
		}
		if up := filepath.Dir(dir); up != dir && errors.Is(err, fs.ErrNotExist) {
			dir = up
			continue
		}
		f.OK, f.Detail = false, err.Error()
		break
	}
	return []rights.Finding{f}, nil
}

func (t *target) Fingerprint(ctx context.Context, message io.Reader) (mail.Digest, error) {
	x := &canon.Extractor{Page: t.page, Zone: t.zone}
	c, err := x.Extract(ctx, message)
	if err != nil {
		return mail.Digest{}, err
	}
	return c.Fingerprint(), nil
}

func (t *target) Accounts(ctx context.Context) iter.Seq2[directory.User, error] {
	return func(yield func(directory.User, error) bool) {
		t.mu.Lock()
		users := make([]directory.User, 0, len(t.accounts))
		for _, a := range t.accounts {
			users = append(users, a.user)
		}
		t.mu.Unlock()
		slices.SortFunc(users, func(a, b directory.User) int { return strings.Compare(a.ID, b.ID) })
		for _, u := range users {
			if ctx.Err() != nil {
				yield(directory.User{}, cancelled(ctx))
				return
			}
			if !yield(u, nil) {
				return
			}
		}
	}
}

// Close writes the packing list once more, with a pair of files for every
// account, because the Wizard needs a MAILMESSAGE section even of those who
// have no mail (KB Q194218).
func (t *target) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.made {
		return nil
	}
	for _, a := range t.accounts {
		if t.listed[a.base] {
			continue
		}
		if err := t.makePair(a); err != nil {
			return err
		}
		t.listed[a.base] = true
	}
	return t.writeList()
}
