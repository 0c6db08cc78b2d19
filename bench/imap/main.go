//go:build linux

// Imap measures moving mailboxes from one IMAP server to another, side by side
// with other programs and with the limit: a raw loop that reads with one
// pipelined UID FETCH a folder and writes with MULTIAPPEND of 100, keeps no
// record and reads nothing back; rawback fetches everything once more when a
// mailbox is written, which is the limit for whoever looks at what arrived.
//
//	go run ./bench/imap -waybill bin/waybill
//
// It starts three Dovecots of its own with their default mail_fsync (a source,
// and targets that keep Maildir and mdbox), generates the mail, and runs every
// program in turn in each round; a target is emptied by renaming it, because
// after the removal of thousands of files making files is slow for a while. Each
// program runs twice: the second time nothing is new. After the first run of the
// first round the judge (test/judge/compare.py, no code of ours) compares source
// and target. The output is a Markdown table for each number of mailboxes and
// format; the times are medians over the rounds.
//
//	-waybill PROGRAM    what to measure (bin/waybill)
//	-tools LIST         raw1,raw4,rawback1,rawback4,waybill,doveadm,mbsync,interimap,imapsync; those
//	                    that are not installed are left out
//	-mailboxes LIST     how many mailboxes to move (1,20)
//	-formats LIST       what the target keeps (maildir,mdbox)
//	-messages N, -bytes N, -big N   of each mailbox (2000, 51000000, 3)
//	-rounds N           (3)
//	-parallel N         mailboxes at a time, for programs that move one (4)
//	-workers N          waybill's own, 0: its default (4)
//	-fsync MODE         Dovecot's mail_fsync (optimized)
//	-judge WHEN         first, all or none
//	-dir DIR            where the servers keep their files (a temporary folder, on
//	                    a real disk); needs three times the mail's size per tool
//
// It runs as root or as any user. Exit code 1 when something could not be run or
// when waybill's result is not equal to the source.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// settings are the flags.
type settings struct {
	waybill, dir, fsync, judge string
	tools, mailboxes, formats  string
	messages, big, rounds      int
	parallel, workers          int
	bytes                      int64
	programs, kinds            []string
	counts                     []int
}

func main() {
	var s settings
	flag.StringVar(&s.waybill, "waybill", "bin/waybill", "program to measure")
	flag.StringVar(&s.tools, "tools", "raw1,raw4,rawback1,rawback4,waybill,doveadm,mbsync,interimap,imapsync", "what to run")
	flag.StringVar(&s.mailboxes, "mailboxes", "1,20", "numbers of mailboxes")
	flag.StringVar(&s.formats, "formats", "maildir,mdbox", "what the target keeps")
	flag.IntVar(&s.messages, "messages", 2000, "messages of a mailbox")
	flag.Int64Var(&s.bytes, "bytes", 51_000_000, "bytes of a mailbox")
	flag.IntVar(&s.big, "big", 3, "messages of 5 to 10 MB in a mailbox")
	flag.IntVar(&s.rounds, "rounds", 3, "rounds")
	flag.IntVar(&s.parallel, "parallel", 4, "mailboxes at a time")
	flag.IntVar(&s.workers, "workers", 4, "waybill's workers; 0: its default")
	flag.StringVar(&s.fsync, "fsync", "optimized", "Dovecot's mail_fsync")
	flag.StringVar(&s.judge, "judge", "first", "first, all or none")
	flag.StringVar(&s.dir, "dir", os.TempDir(), "where the files go")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, s)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "imap:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) (err error) {
	s.programs, s.kinds = strings.Split(s.tools, ","), strings.Split(s.formats, ",")
	for n := range strings.SplitSeq(s.mailboxes, ",") {
		count, err := strconv.Atoi(n)
		if err != nil || count < 1 {
			return fmt.Errorf("-mailboxes %s: want numbers", s.mailboxes)
		}
		s.counts = append(s.counts, count)
	}
	if s.dir, err = os.MkdirTemp(s.dir, "wbi"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	if err := os.Chmod(s.dir, 0o755); err != nil {
		return err
	}
	if s.waybill, err = filepath.Abs(s.waybill); err != nil {
		return err
	}
	var failed []error
	b := bench{settings: s}
	defer b.close()
	if err := b.begin(ctx); err != nil {
		return err
	}
	for _, count := range s.counts {
		for _, kind := range s.kinds {
			results, err := b.compare(ctx, kind, count)
			if err != nil {
				failed = append(failed, err)
			}
			b.print(kind, count, results)
		}
	}
	return errors.Join(failed...)
}

// result is what one program did over the rounds.
type result struct {
	tool          string
	first, second []float64 // seconds
	peak          float64   // MB, of the largest process
	verdict       string
	err           error
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Sorted(slices.Values(v))
	return v[len(v)/2]
}

func (b *bench) print(kind string, count int, results []*result) {
	raw := map[string]float64{}
	for _, r := range results {
		raw[r.tool] = median(r.first)
	}
	ratio := func(r *result, of string) string {
		if raw[of] == 0 || median(r.first) == 0 {
			return ""
		}
		return fmt.Sprintf("%.2f", raw[of]/median(r.first))
	}
	fmt.Printf("\n%d of %d messages, %.0f MB together, to %s, mail_fsync=%s, median of %d\n\n", count, b.messages, float64(b.bytes)*float64(count)/1e6, kind, b.fsync, b.rounds)
	fmt.Println("| program | first run, s | messages/s | speed of raw ×1 | speed of raw ×4 | second run, s | peak MB | result |")
	fmt.Println("|---|---|---|---|---|---|---|---|")
	for _, r := range results {
		if r.err != nil {
			fmt.Printf("| %s | | | | | | | %s |\n", r.tool, firstLine(r.err.Error()))
			continue
		}
		second, peak := "", ""
		if len(r.second) > 0 {
			second = fmt.Sprintf("%.2f", median(r.second))
		}
		if r.peak > 0 {
			peak = fmt.Sprintf("%.0f", r.peak)
		}
		fmt.Printf("| %s | %.2f | %.0f | %s | %s | %s | %s | %s |\n", r.tool, median(r.first), float64(b.messages*count)/median(r.first),
			ratio(r, "raw1"), ratio(r, "raw4"), second, peak, cmp.Or(r.verdict, "not judged"))
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.ReplaceAll(line, "|", "/")
}
