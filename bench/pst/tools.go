//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// bench is one run of the comparison.
type bench struct {
	settings

	self string
	runs int // directories that were used so far
}

// result is what one program did over the rounds.
type result struct {
	tool          string
	seconds, cpus []float64
	peak          float64 // MB, of the largest process
	files         int
	err           error
}

// errMissing says that a program is not installed.
var errMissing = errors.New("not installed")

// compare runs every program on a file, and prints a table for each number of
// cores.
func (b *bench) compare(ctx context.Context, file string, times int) error {
	cores, err := numbers(b.cores)
	if err != nil {
		return err
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	var failed []error
	for _, n := range cores {
		var results []*result
		for tool := range strings.SplitSeq(b.tools, ",") {
			results = append(results, &result{tool: tool})
		}
		written := "" // what waybill wrote
		for range b.rounds {
			for _, r := range results {
				if r.err != nil {
					continue
				}
				to, err := b.once(ctx, r, file, written, n, times)
				if err != nil && !errors.Is(err, errMissing) {
					failed = append(failed, err)
				}
				if r.err = err; err == nil && r.tool == "waybill" {
					written = to
				}
			}
		}
		b.print(file, info.Size()*int64(times), n, results)
		old, err := filepath.Glob(filepath.Join(b.dir, "run*"))
		failed = append(failed, err)
		for _, dir := range old {
			failed = append(failed, os.RemoveAll(dir))
		}
	}
	return errors.Join(failed...)
}

// once runs a program as often as one measurement needs, and gives the directory
// with what it wrote.
func (b *bench) once(ctx context.Context, r *result, file, written string, cores, times int) (to string, err error) {
	if r.tool == "decoding" { // repeats by itself
		cost, err := execute(ctx, b.dir, cores, b.self, "-decode", file, "-repeat", strconv.Itoa(times))
		r.add(cost)
		return "", err
	}
	var sum cost
	for range times {
		b.runs++
		to = filepath.Join(b.dir, fmt.Sprintf("run%d", b.runs))
		if err := os.MkdirAll(to, 0o755); err != nil {
			return "", err
		}
		argv, err := b.command(r.tool, file, to, written, cores)
		if err != nil {
			return "", err
		}
		cost, err := execute(ctx, to, cores, argv[0], argv[1:]...)
		if err != nil {
			return "", err
		}
		sum.seconds += cost.seconds
		sum.cpu += cost.cpu
		sum.peak = max(sum.peak, cost.peak)
	}
	r.add(sum)
	r.files, err = count(filepath.Join(to, "out"))
	return to, err
}

// command is how a program takes the mail out of a file.
func (b *bench) command(tool, file, to, written string, cores int) ([]string, error) {
	out := filepath.Join(to, "out")
	var argv []string
	switch tool {
	case "waybill":
		argv = []string{b.waybill, "extract", "--from", "pst:" + file, "--to", "maildir:" + out, "--list", "-",
			"--ledger", filepath.Join(to, "ledger"), "--report", filepath.Join(to, "report")}
	case "readpst", "readpst0":
		if err := os.Mkdir(out, 0o755); err != nil {
			return nil, err
		}
		argv = []string{"readpst", "-q", "-D", "-M", "-o", out}
		if cores == 1 || tool == "readpst0" {
			argv = append(argv, "-j", "0")
		}
		argv = append(argv, file)
	case "pffexport":
		argv = []string{"pffexport", "-q", "-t", filepath.Join(to, "out"), file}
	case "cp":
		if written == "" {
			return nil, fmt.Errorf("nothing to copy: %w", errMissing)
		}
		argv = []string{"cp", "-r", filepath.Join(written, "out"), out}
	default:
		return nil, fmt.Errorf("-tools %s: it is none of them", tool)
	}
	if _, err := exec.LookPath(argv[0]); err != nil {
		return nil, fmt.Errorf("%w: %s", errMissing, argv[0])
	}
	return argv, nil
}

// cost is what a run took.
type cost struct{ seconds, cpu, peak float64 }

func (r *result) add(c cost) {
	r.seconds, r.cpus, r.peak = append(r.seconds, c.seconds), append(r.cpus, c.cpu), max(r.peak, c.peak)
}

// execute runs a program on some of the cores.
func execute(ctx context.Context, dir string, cores int, name string, args ...string) (cost, error) {
	list := "0"
	if cores > 1 {
		list = fmt.Sprintf("0-%d", cores-1)
	}
	cmd := exec.CommandContext(ctx, "taskset", append([]string{"-c", list, name}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(cores), "LC_ALL=C.UTF-8")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	started := time.Now()
	err := cmd.Run()
	c := cost{seconds: time.Since(started).Seconds()}
	if err != nil {
		text := out.String()
		return c, fmt.Errorf("%s: %w: %s", filepath.Base(name), err, strings.TrimSpace(text[max(0, len(text)-2000):]))
	}
	c.cpu = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		c.peak = float64(usage.Maxrss) * 1024 / 1e6
	}
	return c, nil
}

// count counts the files that were written; pffexport adds to the name it is given.
func count(dir string) (n int, err error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		dir += ".export"
	}
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return err
	})
	return n, err
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	return slices.Sorted(slices.Values(v))[len(v)/2]
}

func (b *bench) print(file string, size int64, cores int, results []*result) {
	fmt.Printf("\n%s, %.0f MB in all, cores: %d, median of %d\n\n", filepath.Base(file), float64(size)/1e6, cores, b.rounds)
	fmt.Println("| program | seconds | MB/s | processor, s | peak MB | files | times readpst | times pffexport |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	base := map[string]float64{}
	for _, r := range results {
		base[r.tool] = median(r.seconds)
	}
	for _, r := range results {
		if r.err != nil {
			text, _, _ := strings.Cut(r.err.Error(), "\n")
			fmt.Printf("| %s | | | | | | | %s |\n", r.tool, strings.ReplaceAll(text, "|", "/"))
			continue
		}
		times := func(of string) string {
			if base[of] == 0 {
				return ""
			}
			return fmt.Sprintf("%.2f", base[of]/median(r.seconds))
		}
		fmt.Printf("| %s | %.2f | %.0f | %.2f | %.0f | %d | %s | %s |\n", r.tool, median(r.seconds), float64(size)/1e6/median(r.seconds), median(r.cpus), r.peak,
			r.files, times("readpst"), times("pffexport"))
	}
}
