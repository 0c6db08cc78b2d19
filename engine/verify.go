package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"waybill/connector"
	"waybill/engine/copying"
	"waybill/failure"
	"waybill/ledger"
	"waybill/mail"
)

// Check is the outcome of reading one message back long after the run.
type Check struct {
	User   string    `json:"user"`
	Folder mail.Path `json:"folder"` // in the target
	Key    string    `json:"key"`
	ID     string    `json:"id"`
	// State: verified, missing, differs, unread.
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
}

// Checked counts a verification.
type Checked struct {
	Messages int64 `json:"messages"`
	Bytes    int64 `json:"bytes"`
	Verified int64 `json:"verified"`
	Missing  int64 `json:"missing"`
	Differs  int64 `json:"differs"`
	Unread   int64 `json:"unread"` // could not be read now
	// Remarked counts messages whose flags their owner changed since; that is no fault.
	Remarked int64 `json:"flags_changed"`
}

// Good reports whether everything that was checked is as it was delivered.
func (c Checked) Good() bool { return c.Verified == c.Messages }

// VerifyTarget reads every message back that the ledger calls verified and
// compares it with the digest kept there. It needs neither the source nor the
// right to write, and changes nothing. each is called for what is not as it was,
// from several goroutines, one call at a time.
func VerifyTarget(ctx context.Context, target connector.Target, l *ledger.Ledger, workers int, each func(Check)) (Checked, error) {
	return (&verifier{target: target, ledger: l, each: each}).all(ctx, workers)
}

// VerifyPresence is VerifyTarget without the contents: it finds out whether each
// message is still where it was delivered. That was proven by reading it back
// when it was delivered.
func VerifyPresence(ctx context.Context, target connector.Target, l *ledger.Ledger, workers int, each func(Check)) (Checked, error) {
	return (&verifier{target: target, ledger: l, each: each, presence: true}).all(ctx, workers)
}

func (v *verifier) all(ctx context.Context, workers int) (Checked, error) {
	boxes, err := v.ledger.List(ctx)
	if err != nil {
		return Checked{}, err
	}
	work := make(chan ledger.Mailbox)
	var wg sync.WaitGroup
	errs := make([]error, max(1, workers))
	for i := range errs {
		wg.Go(func() {
			for b := range work {
				if err := v.mailbox(ctx, b); err != nil {
					errs[i] = errors.Join(errs[i], err)
				}
			}
		})
	}
	for _, b := range boxes {
		work <- b
	}
	close(work)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return v.sum, err
	}
	return v.sum, ctx.Err()
}

type verifier struct {
	target connector.Target
	ledger *ledger.Ledger
	each   func(Check)
	// presence leaves the contents unread.
	presence bool

	mu  sync.Mutex
	sum Checked
}

func (v *verifier) mailbox(ctx context.Context, b ledger.Mailbox) error {
	folders, err := v.ledger.Folders(ctx, b.ID)
	if err != nil || len(folders) == 0 {
		return err
	}
	box, boxErr := v.target.Mailbox(ctx, b.Account)
	if boxErr == nil {
		defer box.Close()
	}
	for _, f := range folders {
		there := v.listed(ctx, box, f)
		for row, err := range v.ledger.Rows(ctx, f.ID, ledger.Verified) {
			if err != nil {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			c := Check{User: b.User, Folder: f.Target, Key: row.Key, ID: row.Target}
			remarked := false
			switch {
			case boxErr != nil:
				c.State, c.Reason = "unread", boxErr.Error()
			case there != nil:
				there.check(row, &c)
			default:
				remarked = v.message(ctx, box, f, row, &c)
			}
			v.count(row, c, remarked)
		}
	}
	return nil
}

// message checks one message and reports whether its owner changed its flags.
func (v *verifier) message(ctx context.Context, box connector.TargetMailbox, f ledger.Folder, row ledger.Row, c *Check) (remarked bool) {
	stored, reader, err := v.open(ctx, box, f, row)
	if err != nil {
		c.State, c.Reason = "unread", err.Error()
		if failure.ClassOf(err) == failure.Vanished {
			c.State, c.Reason = "missing", missingReason
		}
		return false
	}
	want := row.Digest
	if !row.Fingerprint.IsZero() {
		want = row.Fingerprint
	}
	got := want
	if v.presence {
		err = reader.Close()
	} else {
		got, err = v.fingerprint(ctx, reader)
	}
	switch {
	case err != nil:
		c.State, c.Reason = "unread", err.Error()
	case got != want:
		c.State, c.Reason = "differs", fmt.Sprintf("content is %s, was %s", got, want)
	default:
		c.State = "verified"
	}
	kept, _, _ := copying.Holdable(mail.Message{Flags: row.Flags}, v.target.Capabilities())
	return !stored.Flags.Equal(kept)
}

func (v *verifier) fingerprint(ctx context.Context, r io.ReadCloser) (mail.Digest, error) {
	if v.target.Capabilities().Fidelity == connector.Exact {
		d, _, err := copying.Sum(r)
		return d, err
	}
	d, err := v.target.Fingerprint(ctx, r)
	return d, errors.Join(err, r.Close())
}

func (v *verifier) count(row ledger.Row, c Check, remarked bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sum.Messages++
	v.sum.Bytes += row.Size
	if remarked {
		v.sum.Remarked++
	}
	switch c.State {
	case "verified":
		v.sum.Verified++
		return
	case "missing":
		v.sum.Missing++
	case "differs":
		v.sum.Differs++
	default:
		v.sum.Unread++
	}
	if v.each != nil {
		v.each(c)
	}
}
