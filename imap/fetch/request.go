// Package fetch is FETCH (RFC 9051 6.4.5, 7.5.2): what to ask for, and what a
// server answers.
package fetch

import (
	"strings"

	"waybill/imap/uidset"
	"waybill/imap/wire"
)

// Request says what to read of which messages. Nothing that it asks for
// sets \Seen.
type Request struct {
	UIDs     uidset.Set // one of both
	Sequence uidset.Set
	// Body is the whole message, Header its header, HeaderFields some lines of it;
	// the first that is set is read.
	Flags, InternalDate, Size, Body, Header bool
	ModSeq                                  bool   // RFC 7162; left out where it is not offered
	EmailID                                 bool   // EMAILID and THREADID, RFC 8474; left out where not offered
	Gmail                                   bool   // X-GM-MSGID and X-GM-LABELS; left out where not offered
	ChangedSince                            uint64 // RFC 7162 3.1.4.1
	Vanished                                bool   // with ChangedSince, RFC 7162 3.2.6; needs QRESYNC to be enabled
	HeaderFields                            []string
}

// Offered is r without what the server does not have; has tells by the names of
// capabilities.
func (r Request) Offered(has func(capability string) bool) Request {
	r.ModSeq = r.ModSeq && (has("CONDSTORE") || has("QRESYNC"))
	r.EmailID = r.EmailID && has("OBJECTID")
	r.Gmail = r.Gmail && has("X-GM-EXT-1")
	return r
}

// Put adds what to fetch to a command behind its set. The body comes last, so that a server that
// keeps the order tells everything else before.
func (r *Request) Put(w *wire.Command) {
	names := make([]string, 0, 10)
	add := func(when bool, name ...string) {
		if when {
			names = append(names, name...)
		}
	}
	add(true, "UID")
	add(r.Flags, "FLAGS")
	add(r.InternalDate, "INTERNALDATE")
	add(r.Size, "RFC822.SIZE")
	add(r.ModSeq, "MODSEQ")
	add(r.EmailID, "EMAILID", "THREADID")
	add(r.Gmail, "X-GM-MSGID", "X-GM-LABELS")
	w.Raw("(").Raw(strings.Join(names, " "))
	switch {
	case r.Body:
		w.Raw(" BODY.PEEK[]")
	case r.Header:
		w.Raw(" BODY.PEEK[HEADER]")
	case len(r.HeaderFields) > 0:
		w.Raw(" BODY.PEEK[HEADER.FIELDS (")
		for i, field := range r.HeaderFields {
			if i > 0 {
				w.Raw(" ")
			}
			w.String(field)
		}
		w.Raw(")]")
	}
	w.Raw(")")
	if r.ChangedSince > 0 {
		w.Raw(" (CHANGEDSINCE ").Number(int64(r.ChangedSince))
		if r.Vanished {
			w.Raw(" VANISHED")
		}
		w.Raw(")")
	}
}

// Wants is what an answer to r must tell.
func (r *Request) Wants() Want {
	w := UID
	add := func(when bool, items Want) {
		if when {
			w |= items
		}
	}
	add(r.Flags, Flags)
	add(r.InternalDate, Date)
	add(r.Size, Size)
	add(r.ModSeq, ModSeq)
	add(r.EmailID, EmailID|ThreadID)
	add(r.Gmail, GmailID|Labels)
	switch {
	case r.Body:
		w |= Body
	case r.Header, len(r.HeaderFields) > 0:
		w |= Header
	}
	return w
}
