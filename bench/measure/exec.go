//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// result is what one run of waybill cost.
type result struct {
	seconds, peakMB, ledgerShare, ledgerBytes float64
}

// migrate runs waybill from the Maildirs into a site and checks that the
// waybill accounts for every message.
func (b *bench) migrate(ctx context.Context, tree string, messages int) (result, error) {
	to := filepath.Join(b.dir, "target")
	if err := os.MkdirAll(to, 0o755); err != nil {
		return result{}, err
	}
	ledger := filepath.Join(to, "bench.ledger")
	cmd := exec.CommandContext(ctx, b.program, "migrate", "--from", "maildir:"+tree, "--to", "site:"+filepath.Join(to, "bench.site"),
		"--ledger", ledger, "--report", filepath.Join(to, "report"), "--yes")
	words, err := os.Create(filepath.Join(to, "log"))
	if err != nil {
		return result{}, err
	}
	defer words.Close()
	cmd.Stdout, cmd.Stderr = words, words
	started := time.Now()
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(words.Name())
		return result{}, fmt.Errorf("waybill migrate: %w\n%s", err, tail(text))
	}
	r := result{seconds: time.Since(started).Seconds(), peakMB: peak(cmd.ProcessState)}
	return r, r.read(filepath.Join(to, "report", "report.json"), ledger, messages)
}

// read takes the waybill's own figures.
func (r *result) read(report, ledger string, messages int) error {
	var waybill struct {
		Run struct {
			LedgerShare float64 `json:"ledger_share"`
		} `json:"run"`
		Totals struct {
			Found    int `json:"found"`
			Verified int `json:"verified"`
		} `json:"totals"`
	}
	text, err := os.ReadFile(report)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &waybill); err != nil {
		return fmt.Errorf("%s: %w", report, err)
	}
	if waybill.Totals.Verified != messages {
		return fmt.Errorf("%s: %d of %d messages verified", report, waybill.Totals.Verified, messages)
	}
	r.ledgerShare = waybill.Run.LedgerShare
	for _, suffix := range []string{"", "-wal"} {
		info, err := os.Stat(ledger + suffix)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err == nil {
			r.ledgerBytes += float64(info.Size())
		}
	}
	return nil
}

// copyTree is the yardstick: cp -a, then sync of the file system written to.
func (b *bench) copyTree(ctx context.Context, tree string) (seconds float64, err error) {
	to := filepath.Join(b.dir, "copy")
	started := time.Now()
	if out, err := exec.CommandContext(ctx, "cp", "-a", tree, to).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("cp: %w: %s", err, out)
	}
	sync := exec.CommandContext(ctx, "sync")
	if runtime.GOOS == "linux" {
		sync = exec.CommandContext(ctx, "sync", "-f", to)
	}
	if out, err := sync.CombinedOutput(); err != nil {
		return 0, fmt.Errorf("sync: %w: %s", err, out)
	}
	seconds = time.Since(started).Seconds()
	return seconds, os.RemoveAll(to)
}

func (b *bench) clear() error { return os.RemoveAll(filepath.Join(b.dir, "target")) }

// peak is the largest resident size in MB; systems count it in different units.
func peak(state *os.ProcessState) float64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return float64(usage.Maxrss) / 1e6
	}
	return float64(usage.Maxrss) * 1024 / 1e6
}

func tail(b []byte) []byte {
	const most = 2000
	if len(b) > most {
		return b[len(b)-most:]
	}
	return b
}
