package cli

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"unicode"

	"waybill/event"
)

// emitJSON prints one object on a line of its own.
func (e *env) emitJSON(v any) {
	line, err := json.Marshal(v)
	if err != nil {
		line = []byte(`{"type":"error","text":"a value cannot be written as JSON"}`)
	}
	_, _ = e.stdout.Write(append(line, '\n'))
}

// say prints a line of text; silent with --json.
func (e *env) say(format string, args ...any) {
	if !e.json {
		_, _ = fmt.Fprintf(e.stdout, format+"\n", args...)
	}
}

// stepLog is the logger behind -v, nil when nobody wants the steps.
func (e *env) stepLog() *slog.Logger {
	switch {
	case !e.verbose:
		return nil
	case e.json:
		return slog.New(slog.NewJSONHandler(e.stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.LevelKey {
				return slog.String("type", "step")
			}
			return a
		}}))
	}
	return slog.New(slog.NewTextHandler(e.stderr, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.LevelKey || a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}

// terminal is a Sink that shows events from warnings up, or all of them with -v
// or as JSON.
type terminal struct {
	e     *env
	mu    sync.Mutex
	print func(line string)
	shown map[event.Code]int
}

// maxShown is how many events of one kind are shown before the waybill has to do.
const maxShown = 20

func newTerminal(e *env, print func(string)) *terminal {
	return &terminal{e: e, print: print, shown: map[event.Code]int{}}
}

// Emit implements event.Sink.
func (t *terminal) Emit(raw event.Event) {
	filled := event.Fill(raw)
	entry, _ := event.Lookup(raw.Code)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.e.json {
		t.e.emitJSON(struct {
			Type string `json:"type"`
			event.Event
		}{"event", filled})
		return
	}
	if entry.Severity < event.Warning && !t.e.verbose {
		return
	}
	if raw.Code == event.RightMissing {
		return // every command that tries rights prints its findings, with the grants
	}
	t.shown[raw.Code]++
	switch n := t.shown[raw.Code]; {
	case n <= maxShown || t.e.verbose:
		t.print(eventLine(filled))
	case n == maxShown+1:
		t.print(fmt.Sprintf("%s  further events of this kind are in the waybill", raw.Code))
	}
}

func eventLine(e event.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %-7s %s", e.Code, e.Severity, e.Text)
	var place []string
	for _, s := range []string{e.User, e.Folder, e.Key} {
		if s != "" {
			place = append(place, printable(s))
		}
	}
	if len(place) > 0 {
		b.WriteString(" [" + strings.Join(place, " ") + "]")
	}
	if e.Detail != "" {
		b.WriteString(" " + printable(e.Detail))
	}
	return b.String()
}

// printable makes text from mail harmless for a terminal.
func printable(s string) string {
	const limit = 600
	var b strings.Builder
	for i, r := range s {
		if i > limit {
			b.WriteString("…")
			break
		}
		switch {
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == 0x2028, r == 0x2029:
			fmt.Fprintf(&b, "\\u%04x", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// size shows bytes as people read them.
func size(n int64) string {
	if n < 0 {
		return "?"
	}
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/unit, 0
	for v >= unit && i < 4 {
		v, i = v/unit, i+1
	}
	return fmt.Sprintf("%.1f %ciB", v, "KMGTP"[i])
}

// count shows a number of which -1 means unknown.
func count(n int64) string {
	if n < 0 {
		return "?"
	}
	return fmt.Sprint(n)
}
