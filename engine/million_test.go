package engine_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/fake"
	"waybill/directory"
	"waybill/engine"
	"waybill/ledger"
	"waybill/mail"
)

// endless is a mailbox with so many messages that a delta must not list them.
// Keys are numbers; what is above those of the state since is new.
type endless struct {
	connector.SourceMailbox
	have   *int
	tells  bool
	listed *int
}

func (e *endless) message(n int) mail.Message {
	return mail.Message{Key: strconv.Itoa(n), Size: 20, InternalDate: time.Unix(1e9, 0).UTC()}
}

func (e *endless) Census(_ context.Context, folder mail.Path, _ bool) (connector.Census, error) {
	if folder != mail.Inbox {
		return connector.Census{State: "empty"}, nil
	}
	return connector.Census{Messages: int64(*e.have), State: strconv.Itoa(*e.have)}, nil
}

func (e *endless) Messages(_ context.Context, folder mail.Path) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		for n := 1; n <= *e.have && folder == mail.Inbox; n++ {
			*e.listed++
			if !yield(e.message(n), nil) {
				return
			}
		}
	}
}

func (e *endless) Changes(_ context.Context, folder mail.Path, since string) (changed []mail.Message, gone []string, ok bool, err error) {
	from, err := strconv.Atoi(since)
	if err != nil || !e.tells || folder != mail.Inbox {
		return nil, nil, false, nil
	}
	for n := from + 1; n <= *e.have; n++ {
		changed = append(changed, e.message(n))
	}
	return changed, nil, true, nil
}

type endlessSource struct {
	connector.Source
	box endless
}

func (s *endlessSource) Mailbox(ctx context.Context, user string) (connector.SourceMailbox, error) {
	box, err := s.Source.Mailbox(ctx, user)
	s.box.SourceMailbox = &endlessBodies{box}
	return &s.box, err
}

// endlessBodies gives every message its bytes.
type endlessBodies struct{ connector.SourceMailbox }

func (endlessBodies) Open(_ context.Context, _ mail.Path, m mail.Message) (io.ReadCloser, error) {
	return io.NopCloser(strings.NewReader(fmt.Sprintf("Subject: %8s\r\n\r\n", m.Key)[:20])), nil
}

// seedLedger writes the rows of a folder that was moved.
func seedLedger(b *testing.B, path string, total int) {
	b.Helper()
	ctx := context.Background()
	l, err := ledger.Open(ctx, path, ledger.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	fail := func(err error) {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
	}
	fail(l.Bind(ctx, "fake:source", "fake:target"))
	box, err := l.PutMailbox(ctx, ledger.Mailbox{User: "anna", Account: "anna", Action: "create"})
	fail(err)
	fail(l.Enqueue(ctx, []int64{box.ID}))
	_, lease, _, err := l.Claim(ctx)
	fail(err)
	folder, err := l.PutFolder(ctx, lease, ledger.Folder{Path: mail.Inbox, Target: mail.Inbox, Use: mail.UseInbox})
	fail(err)
	rows := make([]ledger.Row, 0, 5000)
	for n := 1; n <= total; n++ {
		digest := mail.Digest{byte(n), byte(n >> 8), byte(n >> 16), 1}
		rows = append(rows, ledger.Row{Key: strconv.Itoa(n), State: ledger.Verified, Size: 20, Digest: digest, Date: time.Unix(1e9, 0).UTC(), Target: strconv.Itoa(n)})
		if len(rows) == cap(rows) || n == total {
			fail(l.Checkpoint(ctx, lease, ledger.Change{Folder: folder.ID, Settled: rows}))
			rows = rows[:0]
		}
	}
	fail(l.Checkpoint(ctx, lease, ledger.Change{Folder: folder.ID, Complete: &ledger.Complete{Census: strconv.Itoa(total), Found: int64(total)}}))
	fail(l.Finish(ctx, lease, ledger.Done, 0, ""))
}

// copyOnly copies without preflight, as a run does after it.
func (b *bench) copyOnly(t *testing.B) (int64, error) {
	t.Helper()
	ctx := context.Background()
	l, err := ledger.Open(ctx, b.path, ledger.Options{})
	if err != nil {
		return 0, err
	}
	defer l.Close()
	m := &engine.Migration{Source: b.dressSource(b.src.Source()), Target: b.dst.Target(), Ledger: l, Events: b.events, Options: engine.Options{Match: directory.MatchName}}
	run, _, err := l.BeginRun(ctx, "test")
	if err != nil {
		return 0, err
	}
	plan, err := m.MakePlan(ctx, false)
	if err != nil {
		return 0, err
	}
	result, err := m.Copy(ctx, plan, run.ID)
	return result.Messages, err
}

// BenchmarkDelta measures a run that finds ten new messages in a folder of a
// million (DELTA_MESSAGES changes that), whose rows are written directly.
func BenchmarkDelta(b *testing.B) {
	total := 1_000_000
	if n, err := strconv.Atoi(os.Getenv("DELTA_MESSAGES")); err == nil {
		total = n
	}
	for _, tells := range []bool{true, false} {
		b.Run(fmt.Sprintf("tells=%v", tells), func(b *testing.B) {
			have, listed := total, 0
			x := &bench{src: fake.New(fake.Options{}), dst: fake.New(fake.Options{}), path: b.TempDir() + "/waybill.ledger", events: &recorder{}}
			x.src.AddUser(userOf("anna"))
			x.dst.AddUser(userOf("anna"))
			seedLedger(b, x.path, total)
			x.dressSource = func(s connector.Source) connector.Source {
				return &endlessSource{Source: s, box: endless{have: &have, tells: tells, listed: &listed}}
			}
			for b.Loop() {
				have += 10
				if took, err := x.copyOnly(b); err != nil || took != 10 {
					b.Fatalf("%d messages, %v", took, err)
				}
			}
			b.ReportMetric(float64(listed)/float64(b.N), "listed/op")
		})
	}
}
