//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"waybill/internal/counterpart"
)

const password = "benchmark"

// bench holds the servers over all runs.
type bench struct {
	settings

	source  *counterpart.Dovecot
	targets map[string]*counterpart.Dovecot
	users   []string
	emptied int
	state   string // what a program keeps from one run to the next
}

// begin starts the servers and fills the source.
func (b *bench) begin(ctx context.Context) error {
	users := map[string]string{}
	for i := range slices.Max(b.counts) {
		b.users = append(b.users, fmt.Sprintf("u%03d", i+1))
		users[b.users[i]] = password
	}
	start := func(format string) (*counterpart.Dovecot, error) {
		return counterpart.StartDovecot(ctx, counterpart.DovecotOptions{Users: users, MasterUser: "master", MasterPassword: password, Format: format, MailFsync: b.fsync, Dir: b.dir})
	}
	var err error
	if b.source, err = start("maildir"); err != nil {
		return err
	}
	b.targets = map[string]*counterpart.Dovecot{}
	for _, kind := range b.kinds {
		if b.targets[kind], err = start(kind); err != nil {
			return err
		}
	}
	for i, user := range b.users {
		made, err := b.source.Fill(ctx, user, counterpart.SeedOptions{Seed: i + 1, Messages: b.messages, Bytes: b.bytes, Big: b.big})
		if err != nil {
			return err
		}
		if made.Messages != b.messages {
			return fmt.Errorf("%s has %d messages", user, made.Messages)
		}
	}
	// Once, so that the source's indexes are made before anybody is measured.
	if err := raw(ctx, b.source, b.targets[b.kinds[0]], b.users, 4, false); err != nil {
		return err
	}
	return b.empty(b.kinds[0])
}

func (b *bench) close() {
	for _, d := range b.targets {
		d.Close()
	}
	if b.source != nil {
		b.source.Close()
	}
}

// empty puts away what the target has, and what programs keep.
func (b *bench) empty(kind string) error {
	b.emptied++
	away := filepath.Join(b.targets[kind].Dir, "away", fmt.Sprint(b.emptied))
	if err := os.MkdirAll(away, 0o755); err != nil {
		return err
	}
	for _, user := range b.users {
		err := os.Rename(b.targets[kind].Home(user), filepath.Join(away, user))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	b.state = filepath.Join(b.dir, fmt.Sprint("state", b.emptied))
	return os.MkdirAll(b.state, 0o755)
}

// compare runs all programs in turn, round by round.
func (b *bench) compare(ctx context.Context, kind string, count int) ([]*result, error) {
	var results []*result
	for _, name := range b.programs {
		if _, ok := tools()[name]; !ok {
			return nil, fmt.Errorf("there is no tool %q", name)
		}
		results = append(results, &result{tool: name})
	}
	var failed []error
	for round := range b.rounds {
		for _, r := range results {
			if r.err != nil {
				continue
			}
			if r.err = b.measure(ctx, r, kind, count, round); r.err != nil {
				if errors.Is(r.err, counterpart.ErrMissing) {
					continue
				}
				failed = append(failed, fmt.Errorf("%s: %w", r.tool, r.err))
			}
		}
	}
	return slices.DeleteFunc(results, func(r *result) bool { return errors.Is(r.err, counterpart.ErrMissing) }), errors.Join(failed...)
}

// measure runs one program twice into an empty target.
func (b *bench) measure(ctx context.Context, r *result, kind string, count, round int) error {
	if err := b.empty(kind); err != nil {
		return err
	}
	j := job{bench: b, target: b.targets[kind], users: b.users[:count]}
	fmt.Fprintf(os.Stderr, "%s, %d to %s, round %d\n", r.tool, count, kind, round+1)
	tool := tools()[r.tool]
	cost, err := tool(ctx, j)
	if err != nil {
		return err
	}
	r.first, r.peak = append(r.first, cost.seconds), max(r.peak, cost.peak)
	if b.judge == "all" || b.judge == "first" && round == 0 {
		v, err := counterpart.Judge(ctx, b.source.MasterSystem(), j.target.MasterSystem(), counterpart.CompareOptions{Users: j.users})
		if err != nil {
			return err
		}
		r.verdict = verdict(v)
		if r.tool == "waybill" && v.Differences > 0 {
			return fmt.Errorf("the target differs: %s", v)
		}
	}
	if strings.HasPrefix(r.tool, "raw") {
		return nil
	}
	if cost, err = tool(ctx, j); err != nil {
		return err
	}
	r.second, r.peak = append(r.second, cost.seconds), max(r.peak, cost.peak)
	return nil
}

// verdict says what the judge found in a few words.
func verdict(v counterpart.Verdict) string {
	if v.Differences == 0 {
		return "equal"
	}
	var kinds []string
	for kind, n := range v.Counts {
		if name, ok := strings.CutPrefix(kind, "different: "); ok {
			kinds = append(kinds, fmt.Sprintf("%s: %d", name, n))
		}
	}
	slices.Sort(kinds)
	return strings.Join(kinds, ", ")
}
