package cli

import (
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"waybill/connector"
	"waybill/failure"
	"waybill/ledger"
)

// The list of the files that are kept aside, and how large one may be.
const (
	asideList = "aside.csv"
	maxAside  = 64 << 20
)

// aside copies the files of items that were set aside into a folder beside the
// waybill, with a list of what belongs to what.
type aside struct {
	dir   string
	from  connector.RawKeeper
	out   *csv.Writer
	done  map[string][2]string // name of a file to its size and digest
	files int
}

// keepAside returns the folder and the number of files; none for sources that have
// nothing to give.
func (r *migration) keepAside(ctx context.Context) (*aside, error) {
	from, ok := connector.Find[connector.RawKeeper](r.m.Source)
	if !ok {
		return nil, nil
	}
	a := &aside{dir: r.cmd.Aside, from: from, done: map[string][2]string{}}
	if a.dir == "" {
		a.dir = filepath.Join(r.cmd.Report, "aside")
	}
	var temp *os.File
	for x, err := range r.m.Ledger.Exceptions(ctx, false) {
		if err != nil {
			return nil, err
		}
		if x.Row.State != ledger.Quarantined || x.Row.Target != "" {
			continue
		}
		if temp == nil {
			if err := os.MkdirAll(a.dir, 0o750); err != nil {
				return nil, asideFault(a.dir, err)
			}
			if temp, err = os.CreateTemp(a.dir, ".aside-*"); err != nil {
				return nil, asideFault(a.dir, err)
			}
			defer func() { _ = os.Remove(temp.Name()) }()
			a.out = csv.NewWriter(temp)
			_ = a.out.Write([]string{"user", "folder", "key", "rule", "file", "bytes", "sha256", "remark"})
		}
		if err := a.keep(ctx, x); err != nil {
			return nil, errors.Join(err, temp.Close())
		}
	}
	list := filepath.Join(a.dir, asideList)
	if temp == nil {
		if err := os.Remove(list); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, asideFault(list, err)
		}
		return nil, nil
	}
	a.out.Flush()
	if err := errors.Join(a.out.Error(), temp.Close(), os.Rename(temp.Name(), list)); err != nil {
		return nil, asideFault(list, err)
	}
	return a, nil
}

// keep copies the files of one item.
func (a *aside) keep(ctx context.Context, x ledger.Exception) error {
	line := []string{x.User, string(x.Folder), x.Row.Key, x.Row.Rule}
	files, err := a.from.RawFiles(ctx, x.User, x.Folder, x.Row.Key)
	if err != nil || len(files) == 0 {
		remark := "no file belongs to it"
		if err != nil {
			remark = err.Error()
		}
		return a.out.Write(append(line, "", "", "", remark))
	}
	for _, f := range files {
		if f.Leave {
			if err := a.out.Write(append(line[:4:4], f.Name, "", "", "stays in the source")); err != nil {
				return err
			}
			continue
		}
		facts, copied := a.done[f.Name]
		remark := ""
		if !copied {
			if facts, err = a.copy(ctx, f.Name); err != nil {
				if failure.ClassOf(err) == failure.Full || failure.RuleOf(err) == "aside.write" {
					return err
				}
				remark = err.Error()
			} else {
				a.done[f.Name] = facts
				a.files++
			}
		}
		if err := a.out.Write(append(line[:4:4], f.Name, facts[0], facts[1], remark)); err != nil {
			return err
		}
	}
	return nil
}

// copy writes one file, and takes back what is too large.
func (a *aside) copy(ctx context.Context, name string) (facts [2]string, err error) {
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return facts, failure.New(failure.Malformed, "keep aside", name, "aside.name", fmt.Errorf("the name leads elsewhere"))
	}
	to := filepath.Join(a.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o750); err != nil {
		return facts, asideFault(to, err)
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".aside-*")
	if err != nil {
		return facts, asideFault(to, err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	h := sha256.New()
	n, err := a.from.CopyRaw(ctx, &atMost{w: io.MultiWriter(f, h), left: maxAside}, name)
	if closeErr := f.Close(); err == nil && closeErr != nil {
		err = asideFault(to, closeErr)
	}
	if err != nil {
		return facts, err
	}
	if err := os.Rename(f.Name(), to); err != nil {
		return facts, asideFault(to, err)
	}
	return [2]string{strconv.FormatInt(n, 10), hex.EncodeToString(h.Sum(nil))}, nil
}

// atMost refuses what is too large to be kept twice.
type atMost struct {
	w    io.Writer
	left int64
}

func (m *atMost) Write(p []byte) (int, error) {
	if m.left -= int64(len(p)); m.left < 0 {
		return 0, failure.New(failure.TooLarge, "keep aside", "", "aside.size", fmt.Errorf("larger than %d bytes; it stays in the source", maxAside))
	}
	return m.w.Write(p)
}

func asideFault(where string, err error) error {
	return failure.New(failure.ClassOf(err), "keep aside", where, "aside.write", err)
}

// tellAside says where the files are.
func (e *env) tellAside(a *aside) {
	if a == nil || a.files == 0 {
		return
	}
	e.say("%d files of what was set aside are kept in %s; %s there tells what belongs to what.", a.files, a.dir, asideList)
}
