// Package answer reads what IMAP servers send without a tag: folders, their state,
// rights, quotas, sets of messages, and the words behind OK, NO and BAD. It knows
// no connection: each method takes what stands behind the answer's name. What was
// not understood is a *wire.SyntaxError, after which the next answer can be read.
package answer

import (
	"time"

	"waybill/imap/boxname"
	"waybill/imap/wire"
)

// Reader reads answers. It serves one goroutine at a time.
type Reader struct {
	*wire.Reader
	// UTF8 says that the server spells names in UTF-8 (RFC 6855 3).
	UTF8 bool

	words words
}

// maxPairs bounds answers that are lists of names and values.
const maxPairs = 1000

// Text reads one string of an answer.
func (r *Reader) Text() (string, error) {
	r.Space()
	value, _, err := r.String()
	return string(value), err
}

// Enclosed reads "(value)", value, or NIL as an empty text.
func (r *Reader) Enclosed() (text string, err error) {
	if r.Peek() != '(' {
		value, _, err := r.String()
		return string(value), err
	}
	err = r.List(func() error {
		value, _, err := r.String()
		text = string(value)
		return err
	})
	return text, err
}

// Flags reads a list of flags. \Recent is left out: it belongs to a session and not to
// a message.
func (r *Reader) Flags() ([]string, error) {
	var room [16]string
	flags := room[:0]
	err := r.List(func() error {
		var flag []byte
		if b := r.Peek(); b == '"' || b == '{' {
			var err error
			if flag, _, err = r.String(); err != nil {
				return err
			}
		} else if flag = r.Word(); len(flag) == 0 {
			return r.Wrong("a flag")
		}
		if !wire.Is(flag, `\RECENT`) {
			flags = append(flags, r.words.intern(flag))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r.words.list(flags), nil
}

// Date reads an INTERNALDATE in the server's zone. raw holds the server's words
// when they are not in the form that RFC 9051 9 prescribes, whether they could be
// read or not; at is zero when they could not.
func (r *Reader) Date() (at time.Time, raw string, err error) {
	text, ok, err := r.String()
	if err != nil || !ok {
		return at, "", err
	}
	at, exact, ok := r.words.zones.Parse(text)
	if !ok {
		at = time.Time{}
	}
	if !ok || !exact {
		raw = Clean(text)
	}
	return at, raw, nil
}

// Name is the folder that text stands for, and raw where writing the name again
// would give other bytes.
func (r *Reader) Name(text []byte) (name, raw string) { return boxname.Decode(text, r.UTF8) }
