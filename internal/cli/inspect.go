package cli

import (
	"context"
	"errors"

	"waybill/failure"
	"waybill/inspect"
	"waybill/inspect/msmail"
	"waybill/inspect/outlook"
)

type inspectCmd struct {
	What  string `arg:"" help:"A file, or a system: msmail:DIR, pst:DIR."`
	Share bool   `help:"Leave out names and words: structure and counts only, to be given to others."`
}

// inspector looks into what an argument names; ok is false where it is none of
// its kind.
type inspector func(ctx context.Context, what string) (r *inspect.Report, ok bool, err error)

// inspectors are tried in order.
func inspectors() []inspector {
	return []inspector{
		outlook.Look,
		msmail.Look,
	}
}

// Run ends with 0 when nothing worse than a note was found, with 1 otherwise.
func (c *inspectCmd) Run(e *env) error {
	for _, look := range inspectors() {
		report, ok, err := look(e.ctx, c.What)
		if err != nil {
			return err
		}
		if ok {
			return e.tell(report, c.Share)
		}
	}
	return failure.New(failure.Usage, "inspect", c.What, "inspect.unknown", errors.New("nothing here knows what this is"))
}

func (e *env) tell(r *inspect.Report, share bool) error {
	if share {
		r = r.Share()
	}
	if e.json {
		e.emitJSON(map[string]any{"type": "inspection", "report": r})
	} else if err := r.Text(e.stdout); err != nil {
		return err
	}
	if worst, _ := r.Worst(); worst > inspect.Note {
		return codeError(exitExceptions)
	}
	return nil
}
