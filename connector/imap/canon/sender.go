package canon

import "io"

// Sender turns a message into the form in which it is sent.
type Sender struct {
	m     machine
	sent  change
	rules Rules
	to    writerSink
}

// NewSender makes a sender by a server's rules.
func NewSender(r Rules) *Sender { return &Sender{rules: r, sent: r.sent()} }

// Reset starts the next message, which goes to w.
func (s *Sender) Reset(w io.Writer) {
	s.m.reset(s.sent)
	s.to = writerSink{w: w}
}

// Write takes the next piece of the message. The error is the writer's.
func (s *Sender) Write(p []byte) (int, error) {
	if s.to.err != nil {
		return 0, s.to.err
	}
	s.m.write(p, &s.to)
	return len(p), s.to.err
}

// Close ends the message and returns what was found in it. The writer is not
// closed.
func (s *Sender) Close() (Findings, error) {
	s.m.end(&s.to)
	return s.m.found, s.to.err
}

type writerSink struct {
	w   io.Writer
	err error
}

func (s *writerSink) same(p []byte) { s.other(p) }

func (s *writerSink) other(p []byte) {
	if s.err == nil && len(p) > 0 {
		_, s.err = s.w.Write(p)
	}
}

func (s *writerSink) drop(int) {}
