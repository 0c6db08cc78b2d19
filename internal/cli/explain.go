package cli

import (
	"errors"
	"fmt"

	"waybill/event"
	"waybill/failure"
)

type explainCmd struct {
	Event string `arg:"" help:"The id of an event: W2002, or one of the Migration Wizard's: 7044."`
}

func (c *explainCmd) Run(e *env) error {
	var entries []event.Entry
	if entry, ok := event.Lookup(event.Code(c.Event)); ok {
		entries = []event.Entry{entry}
	} else {
		entries = event.ByAncestor(c.Event)
	}
	if len(entries) == 0 {
		return failure.New(failure.Usage, "explain", c.Event, "event.unknown", errors.New("no event has this id")).WithRemedy("ids are W1001 and so on; all are in docs/events.md")
	}
	for i, entry := range entries {
		if e.json {
			e.emitJSON(map[string]any{"type": "explanation", "id": entry.Code, "page": event.Explain(entry)})
			continue
		}
		if i > 0 {
			e.say("")
		}
		_, _ = fmt.Fprint(e.stdout, event.Explain(entry))
	}
	return nil
}
