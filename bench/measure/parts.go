//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"waybill/bench/maildirs"
)

// bench is the program that is measured, where its files go, and the results.
type bench struct {
	program, dir string
	rows         []row
}

func (b *bench) add(what, value, remark string) {
	fmt.Fprintf(os.Stderr, "  %s: %s %s\n", what, value, remark)
	b.rows = append(b.rows, row{what, value, remark})
}

// speed copies the same tree with cp and with waybill, in turn.
func (b *bench) speed(ctx context.Context) error {
	messages, err := setting("BENCH_MESSAGES", 30_000)
	if err != nil || messages == 0 {
		return err
	}
	mailboxes, err := setting("BENCH_MAILBOXES", 20)
	if err != nil {
		return err
	}
	rounds, err := setting("BENCH_ROUNDS", 3)
	if err != nil {
		return err
	}
	tree := filepath.Join(b.dir, "office")
	total, err := b.generate(ctx, tree, maildirs.Options{Mailboxes: mailboxes, Messages: messages, Folders: 6, Profile: "office", Seed: 1})
	if err != nil {
		return err
	}
	// One copy that does not count brings the tree into the page cache.
	if _, err := b.copyTree(ctx, tree); err != nil {
		return err
	}
	var copies, moves, seconds, shares, memory []float64
	for range max(rounds, 1) {
		took, err := b.copyTree(ctx, tree)
		if err != nil {
			return err
		}
		copies = append(copies, took)
		m, err := b.migrate(ctx, tree, total.Messages)
		if err != nil {
			return err
		}
		moves = append(moves, m.seconds)
		shares = append(shares, m.ledgerShare)
		memory = append(memory, m.peakMB)
		again, err := b.migrate(ctx, tree, total.Messages)
		if err != nil {
			return err
		}
		seconds = append(seconds, again.seconds)
		if err := b.clear(); err != nil {
			return err
		}
	}
	mb := float64(total.Bytes) / 1e6
	n := float64(total.Messages)
	b.add("mail", fmt.Sprintf("%.0f MB", mb), fmt.Sprintf("%d messages in %d mailboxes", total.Messages, mailboxes))
	b.add("cp -a and sync", fmt.Sprintf("%.2f s", median(copies)), fmt.Sprintf("%.0f messages/s, %.0f MB/s", n/median(copies), mb/median(copies)))
	b.add("maildir to site, read back", fmt.Sprintf("%.2f s", median(moves)), fmt.Sprintf("%.0f messages/s, %.0f MB/s", n/median(moves), mb/median(moves)))
	b.add("times cp", fmt.Sprintf("%.2f", median(moves)/median(copies)), fmt.Sprintf("median of %d rounds in alternation", len(moves)))
	b.add("second run, nothing new", fmt.Sprintf("%.2f s", median(seconds)), fmt.Sprintf("%.1f %% of the first", 100*median(seconds)/median(moves)))
	b.add("share of the ledger", fmt.Sprintf("%.1f %%", 100*median(shares)), "of the wall time, from report.json")
	b.add("peak memory", fmt.Sprintf("%.0f MB", median(memory)), "")
	return os.RemoveAll(tree)
}

// many measures the memory for very many small messages.
func (b *bench) many(ctx context.Context) error {
	messages, err := setting("BENCH_SMALL", 1_000_000)
	if err != nil || messages == 0 {
		return err
	}
	mailboxes, err := setting("BENCH_SMALL_MAILBOXES", 50)
	if err != nil {
		return err
	}
	return b.memory(ctx, fmt.Sprintf("%d small messages in %d mailboxes", messages, mailboxes),
		maildirs.Options{Mailboxes: mailboxes, Messages: messages, Profile: "small", Seed: 2})
}

// big measures the memory for one very large message.
func (b *bench) big(ctx context.Context) error {
	size, err := setting("BENCH_BIG_MB", 1024)
	if err != nil || size == 0 {
		return err
	}
	return b.memory(ctx, fmt.Sprintf("one message of %d MB", size), maildirs.Options{Mailboxes: 1, Messages: 1, Profile: "big", Big: int64(size) << 20, Seed: 3})
}

func (b *bench) memory(ctx context.Context, what string, o maildirs.Options) error {
	tree := filepath.Join(b.dir, "memory")
	total, err := b.generate(ctx, tree, o)
	if err != nil {
		return err
	}
	m, err := b.migrate(ctx, tree, total.Messages)
	if err != nil {
		return err
	}
	remark := fmt.Sprintf("peak memory; %.1f s, %.0f MB/s", m.seconds, float64(total.Bytes)/1e6/m.seconds)
	if total.Messages > 1 {
		remark += fmt.Sprintf(", %.0f messages/s, ledger %.1f %% of the time and %.0f bytes per message",
			float64(total.Messages)/m.seconds, 100*m.ledgerShare, m.ledgerBytes/float64(total.Messages))
	}
	b.add(what, fmt.Sprintf("%.0f MB", m.peakMB), remark)
	if err := b.clear(); err != nil {
		return err
	}
	return os.RemoveAll(tree)
}

func (b *bench) generate(ctx context.Context, dir string, o maildirs.Options) (maildirs.Total, error) {
	fmt.Fprintf(os.Stderr, "writing %d messages (%s)\n", o.Messages, o.Profile)
	return maildirs.Write(ctx, dir, o)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
