package report

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"waybill/event"
)

// The files of a waybill.
const (
	JSONFile     = "report.json"
	HTMLFile     = "report.html"
	MessagesFile = "messages.jsonl"
	EventsFile   = "events.jsonl"
)

// Format is the version of report.json that this package writes.
const Format = 1

// Write writes the waybill w into dir, which is made if it is not there:
// messages.jsonl with one line for each message of the stream, report.html, and
// report.json. It fills in the fields of w that come from the stream, and
// Format and Written where they are empty. Messages may be nil: then there is
// no messages.jsonl, and one of an earlier run is removed.
//
// Each file is written beside its place and renamed when all are whole, in a
// fixed order with report.json last. When anything fails, an error of the
// stream included, the files of an earlier run stay as they were. No more than
// MaxExceptions messages are held in memory.
func Write(ctx context.Context, dir string, w *Waybill, lines Messages) error {
	d, err := newDraft(dir)
	if err != nil {
		return err
	}
	defer d.discard()

	w.Format = Format
	if w.Written.IsZero() {
		w.Written = time.Now()
	}
	w.Lines, w.Rules, w.Exceptions, w.MessagesSHA256 = nil, nil, nil, ""
	if lines != nil {
		if err := d.write(MessagesFile, func(out io.Writer) error { return w.writeMessages(ctx, out, lines) }); err != nil {
			return err
		}
	} else {
		d.remove(MessagesFile)
	}
	page := w.ordered()
	if err := d.write(HTMLFile, func(out io.Writer) error { return render(out, &page) }); err != nil {
		return err
	}
	if err := d.write(JSONFile, func(out io.Writer) error {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		e.SetEscapeHTML(false)
		return e.Encode(page)
	}); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return cancelled(dir, err)
	}
	return d.commit()
}

// WriteEvents writes events.jsonl into dir, one line for each event of the
// stream, filled from the catalogue, in the same manner as Write does.
func WriteEvents(ctx context.Context, dir string, events iter.Seq2[event.Event, error]) error {
	d, err := newDraft(dir)
	if err != nil {
		return err
	}
	defer d.discard()
	err = d.write(EventsFile, func(out io.Writer) error {
		e := encoder(out)
		for v, err := range events {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil {
				err = e.Encode(event.Fill(v))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return d.commit()
}

func encoder(out io.Writer) *json.Encoder {
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return e
}

// writeMessages streams the lines and keeps their counts, the first exceptions
// and the digest of the file.
func (w *Waybill) writeMessages(ctx context.Context, out io.Writer, lines Messages) error {
	w.Lines, w.Rules = map[string]int64{}, map[string]int64{}
	digest := sha256.New()
	buffered := bufio.NewWriterSize(io.MultiWriter(out, digest), 1<<16)
	e := encoder(buffered)
	for m, err := range lines {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if err := e.Encode(m); err != nil {
			return err
		}
		w.Lines[m.State]++
		if m.State == "verified" || m.State == "skipped" {
			continue
		}
		w.Rules[cmp.Or(m.Rule, "no-outcome-yet")]++
		if len(w.Exceptions) < MaxExceptions {
			w.Exceptions = append(w.Exceptions, m)
		}
	}
	if err := buffered.Flush(); err != nil {
		return err
	}
	w.MessagesSHA256 = hex.EncodeToString(digest.Sum(nil))
	return nil
}

// ordered is a copy of w in the order in which it is written: mailboxes by
// user, events by time, empty lists instead of absent ones, so that the same
// waybill gives the same bytes.
func (w *Waybill) ordered() Waybill {
	c := *w
	c.Mailboxes = slices.Clone(c.Mailboxes)
	slices.SortStableFunc(c.Mailboxes, func(a, b Mailbox) int {
		return cmp.Or(strings.Compare(a.User, b.User), strings.Compare(a.Kind, b.Kind))
	})
	for i := range c.Mailboxes {
		if c.Mailboxes[i].Folders == nil {
			c.Mailboxes[i].Folders = []Folder{}
		}
	}
	c.Events = slices.Clone(c.Events)
	for i := range c.Events {
		c.Events[i] = event.Fill(c.Events[i])
	}
	slices.SortStableFunc(c.Events, func(a, b event.Event) int { return a.Time.Compare(b.Time) })
	// JSON has no word for infinite numbers, and a run of no duration has shares like 0/0.
	c.Curve = slices.DeleteFunc(slices.Clone(c.Curve), func(p Point) bool { return p.Second != finite(p.Second) })
	c.Run = finiteRun(c.Run)
	c.Runs = slices.Clone(c.Runs)
	for i := range c.Runs {
		c.Runs[i] = finiteRun(c.Runs[i])
	}
	if c.Mailboxes == nil {
		c.Mailboxes = []Mailbox{}
	}
	if c.Events == nil {
		c.Events = []event.Event{}
	}
	if c.Runs == nil {
		c.Runs = []Run{}
	}
	if c.Notes == nil {
		c.Notes = map[string]int64{}
	}
	return c
}

func finiteRun(r Run) Run {
	r.Seconds, r.LedgerShare = finite(r.Seconds), finite(r.LedgerShare)
	return r
}

// finite is v, or 0 where v is not a finite number.
func finite(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}
