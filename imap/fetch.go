package imap

import (
	"context"
	"errors"
	"io"

	"waybill/failure"
	"waybill/imap/fetch"
	"waybill/imap/spool"
	"waybill/imap/uidset"
	"waybill/imap/wire"
)

// ahead is how many commands of one long set are sent before the first was
// answered.
const ahead = 4

// FetchStream reads the answers to one Fetch.
type FetchStream struct {
	c       *Conn
	r       FetchRequest
	ctx     context.Context
	end     func() bool
	texts   []string // sets that are not sent yet
	sent    []*command
	want    fetch.Want
	note    func(error) // counts a value that could not be read
	skipped skips
	missing UIDSet // vanished
	item    *FetchItem
	body    *bodyReader // the open body of the last item
	err     error       // how it ended
	spool   spool.Room
}

// Fetch sends one UID FETCH (FETCH for Sequence; RFC 9051 6.4.5) at once and
// returns; the stream reads the answers. Several streams may be outstanding, and
// are read in the order they were made: reading a later one, or any other
// command, reads the earlier ones to their end and throws away what they had.
// Errors come from Next.
func (c *Conn) Fetch(ctx context.Context, r FetchRequest) *FetchStream {
	s := &FetchStream{c: c, r: r.Offered(c.Has), ctx: ctx}
	s.note = func(cause error) { s.skipped.add(c.notUnderstood(cause)) }
	if err := c.usable(ctx); err != nil {
		s.err = err
		return s
	}
	set := r.UIDs
	if len(set) == 0 {
		set = r.Sequence
	}
	s.texts = set.Pieces()
	if len(s.texts) == 0 {
		s.err = io.EOF
		return s
	}
	s.want = s.r.Wants()
	for _, earlier := range c.streams { // their commands must come first
		if err := earlier.sendUpTo(len(earlier.texts)); err != nil {
			s.err = err
			return s
		}
	}
	s.end = c.pace.Begin(ctx)
	c.streams = append(c.streams, s)
	if err := s.sendUpTo(ahead); err != nil {
		_ = s.finish(err)
	}
	return s
}

// sendUpTo sends at most n more of the stream's commands.
func (s *FetchStream) sendUpTo(n int) error {
	for ; n > 0 && len(s.texts) > 0; n-- {
		words := "UID FETCH"
		if len(s.r.UIDs) == 0 {
			words = "FETCH"
		}
		w, cmd := s.c.newCommand(words)
		cmd.where = s.c.box.name
		cmd.fetch = s.take
		cmd.data = s.data
		w.Raw(" ").Raw(s.texts[0]).Raw(" ")
		s.r.Put(w)
		s.texts = s.texts[1:]
		s.sent = append(s.sent, cmd)
		if err := s.c.send(w, cmd); err != nil {
			return err
		}
	}
	return nil
}

// Next gives the next answer, and io.EOF behind the last one. An answer that
// cannot be understood is skipped and counted; see Skipped. A refused command
// ends the stream with its error, a lost connection with another.
func (s *FetchStream) Next() (*FetchItem, error) {
	if s.err != nil {
		return nil, s.err
	}
	if err := s.c.supersede(s); err != nil {
		return nil, s.finish(err)
	}
	s.c.pace.Use(s.ctx)
	for {
		item, err := s.read()
		if err != nil {
			return nil, s.finish(err)
		}
		if item != nil {
			return item, nil
		}
		done, err := s.settle()
		if err != nil {
			return nil, s.finish(err)
		}
		if done {
			return nil, s.finish(io.EOF)
		}
	}
}

// read takes one response; the item is nil when the response brought none.
func (s *FetchStream) read() (*FetchItem, error) {
	s.body = nil                 // what is left of it is passed over with the rest of its answer
	for _, cmd := range s.sent { // the answer may have been read while sending
		if cmd.done {
			return nil, nil
		}
	}
	s.item = nil
	if err := s.c.step(); err != nil {
		return nil, err
	}
	return s.item, nil
}

// settle looks at the oldest commands that were answered, and sends more.
func (s *FetchStream) settle() (done bool, err error) {
	for i := 0; i < len(s.sent); i++ {
		cmd := s.sent[i]
		if !cmd.done {
			continue
		}
		s.sent = append(s.sent[:i], s.sent[i+1:]...)
		i--
		if err := s.c.verdict(cmd); err != nil {
			return false, err
		}
		if err := s.sendUpTo(1); err != nil {
			return false, err
		}
	}
	return len(s.sent) == 0 && len(s.texts) == 0, nil
}

// finish ends the stream with err.
func (s *FetchStream) finish(err error) error {
	if s.err != nil {
		return s.err
	}
	s.texts = nil
	s.err = err
	if s.c.broken == nil && len(s.sent) > 0 {
		if lost := s.await(); lost != nil && !errors.Is(err, ErrSuperseded) {
			s.err = lost
		}
	}
	s.spool.Close()
	if s.end != nil {
		s.end()
	}
	for i, other := range s.c.streams {
		if other == s {
			s.c.streams = append(s.c.streams[:i], s.c.streams[i+1:]...)
			break
		}
	}
	return s.err
}

// await reads the answers to what was already sent, after one was refused.
func (s *FetchStream) await() error {
	for _, cmd := range s.sent {
		cmd.fetch = func(uint32) error { return nil }
		for !cmd.done {
			s.body = nil
			if err := s.c.step(); err != nil {
				return err
			}
		}
	}
	s.sent = nil
	return nil
}

// Skipped are the answers that were not understood, at most 1,000.
func (s *FetchStream) Skipped() []error { return s.skipped.errs }

// Vanished are the UIDs that the server says are gone (RFC 7162 3.2.10).
func (s *FetchStream) Vanished() UIDSet { return s.missing }

// Close reads what is left and throws it away.
func (s *FetchStream) Close() error {
	for {
		if _, err := s.Next(); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, ErrSuperseded) {
				return nil
			}
			return err
		}
	}
}

// supersede reads the streams before until (all: nil) to their ends.
func (c *Conn) supersede(until *FetchStream) error {
	for len(c.streams) > 0 && c.streams[0] != until {
		first := c.streams[0]
		for first.err == nil {
			_, err := first.read()
			done := false
			if err == nil {
				done, err = first.settle()
			}
			switch {
			case err != nil && c.broken != nil:
				return first.finish(err)
			case err != nil || done:
				_ = first.finish(ErrSuperseded)
			}
		}
		if len(c.streams) > 0 && c.streams[0] == first {
			return failure.New(failure.Internal, "read answers", c.host, "imap.stream", errors.New("a stream does not end"))
		}
	}
	return nil
}

// data takes VANISHED.
func (s *FetchStream) data(name []byte) (bool, error) {
	if !wire.Is(name, "VANISHED") {
		return false, nil
	}
	set, earlier, err := s.c.r.Vanished()
	if err != nil {
		return true, s.c.odd(&s.skipped, err)
	}
	if !earlier {
		s.c.box.exists = max(s.c.box.exists-set.Count(), 0)
	}
	if len(s.missing)+len(set) <= uidset.MaxRanges {
		s.missing = append(s.missing, set...)
	}
	return true, nil
}

// collect gathers the FETCH data that comes while another command runs.
func (c *Conn) collect(into *[]FetchItem) func(seq uint32) error {
	return func(seq uint32) error {
		item := FetchItem{Seq: seq}
		if _, err := fetch.Read(&c.r, &item, 0, nil, c.note); err != nil {
			return err
		}
		if len(*into) < uidset.MaxRanges {
			*into = append(*into, item)
		}
		return nil
	}
}
