package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"waybill/connector"
	"waybill/connector/migfile"
	"waybill/engine"
	"waybill/failure"
	mf "waybill/format/migfile"
)

// The names of a recovery file and its packing list in the folder of the waybill.
const (
	recoveryName = "recovery.pri"
	recoveryList = "recovery.pkl"
	// maxRecovered bounds the lines that are remembered.
	maxRecovered = 5_000_000
)

// recoverer is a source that can write what was refused of it into a file that
// is corrected by hand and read again.
type recoverer interface {
	Recover(ctx context.Context, out io.Writer, r migfile.Refused) (int, error)
	PackingList(primary string) mf.PackingList
}

// recoverLines writes a recovery file into the folder of the waybill, as the
// Migration Wizard did with event 8002, and returns how many lines it holds. One
// of an earlier run goes when nothing is left to recover.
func recoverLines(ctx context.Context, m *engine.Migration, dir string) (lines int, err error) {
	source, ok := connector.Find[recoverer](m.Source)
	if !ok {
		return 0, nil
	}
	refused := migfile.Refused{Keys: map[string]bool{}, Users: map[string]bool{}}
	for e, err := range m.Ledger.Exceptions(ctx, false) {
		if err != nil {
			return 0, err
		}
		if e.Row.State.String() == "skipped" || len(refused.Keys) >= maxRecovered {
			continue
		}
		refused.Keys[e.Row.Key], refused.Users[e.User] = true, true
	}
	primary, list := filepath.Join(dir, recoveryName), filepath.Join(dir, recoveryList)
	temp, err := os.CreateTemp(dir, ".recovery-*")
	if err != nil {
		return 0, recoveryFault(dir, err)
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	lines, err = source.Recover(ctx, temp, refused)
	if closeErr := temp.Close(); err == nil && closeErr != nil {
		err = recoveryFault(dir, closeErr)
	}
	if err != nil {
		return 0, err
	}
	if lines == 0 {
		for _, name := range []string{primary, list} {
			if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
				return 0, recoveryFault(name, err)
			}
		}
		return 0, nil
	}
	if err := os.Rename(temp.Name(), primary); err != nil {
		return 0, recoveryFault(primary, err)
	}
	out, err := os.Create(list)
	if err != nil {
		return 0, recoveryFault(list, err)
	}
	packing := source.PackingList(recoveryName)
	_, err = packing.WriteTo(out)
	if err = errors.Join(err, out.Close()); err != nil {
		return 0, recoveryFault(list, err)
	}
	return lines, nil
}

func recoveryFault(where string, err error) error {
	return failure.New(failure.ClassOf(err), "write recovery file", where, "migfile.recovery", err)
}

// tellRecovered says where the recovery file is.
func (e *env) tellRecovered(lines int, dir string) {
	if lines > 0 {
		e.say("%s", fmt.Sprintf("%d lines were refused. They are in %s: correct them there, put it and %s beside the .sec files,\nand run again from that packing list, with a new ledger and --match name.",
			lines, filepath.Join(dir, recoveryName), recoveryList))
	}
}
