package mbox

import (
	"context"
	"errors"
	"io"
)

// Dialect is a variant of the format.
type Dialect string

// The dialects, as far as a file shows them.
const (
	Plain   Dialect = "mbox"    // nothing in the file tells
	MBoxO   Dialect = "mboxo"   // or mboxrd: ">From " stands there, ">>From " does not
	MBoxRD  Dialect = "mboxrd"  // proven by ">>From " and by no bare "From "
	MBoxCL  Dialect = "mboxcl"  // true Content-Lengths, ">From " quoted
	MBoxCL2 Dialect = "mboxcl2" // true Content-Lengths, "From " stands bare in bodies
	MMDF    Dialect = "mmdf"
)

// Stats are the traits of a file that tell its dialect. Messages that Waybill
// wrote are counted apart: they speak for themselves only.
type Stats struct {
	Messages int64
	Marked   int64 // written by Waybill
	Declared int64 // with a true Content-Length
	Quoted   int64 // ">From " lines
	Deep     int64 // ">>From " lines
	Bare     int64 // "From " lines inside bodies

	mmdf bool
}

func (s *Stats) add(b *builder) {
	s.Messages++
	if b.e.Marker != nil {
		s.Marked++
		return
	}
	if b.e.Declared {
		s.Declared++
	}
	s.Quoted += int64(b.e.Quoted)
	s.Deep += int64(b.deep)
	s.Bare += int64(b.bare)
	s.mmdf = b.r.mmdf
}

// Dialect names the variant that the traits prove.
func (s Stats) Dialect() Dialect {
	switch {
	case s.mmdf:
		return MMDF
	case s.Declared > 0 && s.Bare > 0:
		return MBoxCL2
	case s.Declared > 0 && s.Declared == s.Messages-s.Marked:
		return MBoxCL
	case s.Deep > 0 && s.Bare == 0 && s.Declared == 0:
		return MBoxRD
	case s.Quoted > 0:
		return MBoxO
	}
	return Plain
}

// Detect reads the whole file to tell its dialect.
func Detect(ctx context.Context, r io.ReaderAt, size int64, name string) (Stats, error) {
	reader := NewReader(r, size, Options{Name: name})
	for {
		if _, err := reader.Next(ctx); errors.Is(err, io.EOF) {
			return reader.Stats(), nil
		} else if err != nil {
			return reader.Stats(), err
		}
	}
}
