package line

import "strings"

// maxTrace is how much of a line is shown.
const maxTrace = 4096

// Trace shows lines and hides secrets in them. Its methods may be called by
// several goroutines while none changes Hush or calls Keep and Forget.
type Trace struct {
	// Show gets each line that is sent ("C") and received ("S"); nil: no trace.
	Show func(direction, line string)
	// Hush hides the server's challenges while somebody logs on.
	Hush bool

	secrets []string
}

// Sent shows a line of ours.
func (t *Trace) Sent(text string) {
	if t.Show != nil {
		t.Show("C", t.Redact(clip(text)))
	}
}

// Received shows a line of the server's.
func (t *Trace) Received(text []byte) {
	switch {
	case t.Show == nil:
	case t.Hush && len(text) > 0 && text[0] == '+':
		t.Show("S", "+ <secret>")
	default:
		t.Show("S", t.Redact(clip(string(text[:min(len(text), maxTrace+1)]))))
	}
}

func clip(text string) string {
	if len(text) > maxTrace {
		return text[:maxTrace] + "..."
	}
	return text
}

// Redact takes secrets out of what a server sends back.
func (t *Trace) Redact(text string) string {
	for _, s := range t.secrets {
		text = strings.ReplaceAll(text, s, "<secret>")
	}
	return text
}

// Keep remembers what Redact shall take out. A text of one or two letters would
// take words apart and is not worth it.
func (t *Trace) Keep(secret string) {
	if len(secret) > 2 {
		t.secrets = append(t.secrets, secret)
	}
}

// Forget ends what Keep began.
func (t *Trace) Forget() { t.secrets = nil }
