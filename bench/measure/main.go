//go:build unix

// Measure runs waybill on generated mail and prints one table: speed beside a
// plain copy of the files, the cost of a second run, the share of the ledger,
// and the memory for very many and for very large messages. A slow result is a
// line in the table, never a failure; a run that loses a message is one.
//
// Sizes come from the environment: BENCH_MESSAGES (30000), BENCH_MAILBOXES
// (20), BENCH_ROUNDS (3), BENCH_SMALL (1000000), BENCH_SMALL_MAILBOXES (50),
// BENCH_BIG_MB (1024); a part whose size is 0 is left out. BENCH_DIR is where
// the files go (a temporary folder); it needs about four times the mail's size.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"text/tabwriter"
)

func main() {
	waybill := flag.String("waybill", "bin/waybill", "program to measure")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *waybill)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

// row is one line of the table.
type row struct{ what, value, remark string }

func run(ctx context.Context, waybill string) error {
	program, err := filepath.Abs(waybill)
	if err != nil {
		return err
	}
	if _, err := os.Stat(program); err != nil {
		return fmt.Errorf("build it first (make build): %w", err)
	}
	dir, err := os.MkdirTemp(os.Getenv("BENCH_DIR"), "waybill-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := bench{program: program, dir: dir}
	var failed []error
	for _, part := range []func(context.Context) error{b.speed, b.many, b.big} {
		if err := part(ctx); err != nil {
			failed = append(failed, err)
		}
	}
	fmt.Println()
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 2, ' ', 0)
	for _, r := range b.rows {
		fmt.Fprintf(w, "%s\t%s\t%s\n", r.what, r.value, r.remark)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return errors.Join(failed...)
}

// setting reads a size from the environment.
func setting(name string, value int) (int, error) {
	s := os.Getenv(name)
	if s == "" {
		return value, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s=%s: want a number", name, s)
	}
	return n, nil
}
