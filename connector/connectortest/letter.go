package connectortest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"waybill/connector"
	"waybill/failure"
	"waybill/mail"
)

// letter is a message of the suite, on its way to a target.
type letter struct {
	name  string
	body  []byte
	date  time.Time
	flags mail.FlagSet
	// open, when set, replaces body.
	open func(ctx context.Context) (io.ReadCloser, error)
	size int64
}

// born is the date of letters that are not about dates.
var born = time.Date(2003, time.March, 9, 17, 4, 5, 0, time.FixedZone("", 3600))

// compose makes an ordinary message, different for every n.
func compose(n int) letter {
	return letter{name: fmt.Sprint(n), body: text(n, fmt.Sprintf("The %d. crate has left the harbour.\r\n\r\nRegards\r\nAnna\r\n", n)), date: born.Add(time.Duration(n) * time.Minute)}
}

// composeMany makes n ordinary messages, numbered from first.
func composeMany(first, n int) []letter {
	letters := make([]letter, n)
	for i := range letters {
		letters[i] = compose(first + i)
	}
	return letters
}

func text(n int, body string) []byte {
	return fmt.Appendf(nil, "Date: Sun, 09 Mar 2003 17:04:05 +0100\r\nFrom: Anna Hale <anna@example.org>\r\nTo: Bert Harbour <bert@example.org>\r\n"+
		"Subject: Crate %d\r\nMessage-ID: <crate-%d@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n%s", n, n, body)
}

// item is the letter as the engine hands it over.
func (l letter) item() connector.Item {
	it := connector.Item{
		Message: mail.Message{Key: l.name, Size: int64(len(l.body)), InternalDate: l.date, Flags: l.flags},
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			return &honest{ctx: ctx, from: bytes.NewReader(l.body)}, nil
		},
	}
	if l.open != nil {
		it.Size, it.Open = l.size, l.open
	}
	return it
}

func items(letters []letter) []connector.Item {
	list := make([]connector.Item, len(letters))
	for i, l := range letters {
		list[i] = l.item()
	}
	return list
}

// honest is a reader that honours its context, as those of sources do.
type honest struct {
	ctx  context.Context
	from io.Reader
}

func (r *honest) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, failure.New(failure.Cancelled, "read message", "suite", "suite.cancelled", err)
	}
	return r.from.Read(p)
}

func (*honest) Close() error { return nil }

// errBroken is what a broken reader fails with.
var errBroken = errors.New("the source broke in the middle of the message")

// halfway makes the letter's reader give half of the message and then call f,
// whose error the reader returns; after a nil error it gives the rest.
func (l letter) halfway(f func() error) letter {
	l.size = int64(len(l.body))
	l.open = func(ctx context.Context) (io.ReadCloser, error) {
		half := len(l.body) / 2
		return io.NopCloser(io.MultiReader(bytes.NewReader(l.body[:half]), &trap{do: f}, bytes.NewReader(l.body[half:]))), nil
	}
	return l
}

// trap calls do once, on the first Read.
type trap struct{ do func() error }

func (r *trap) Read([]byte) (int, error) {
	if err := r.do(); err != nil {
		return 0, err
	}
	return 0, io.EOF
}

func broken() error {
	return failure.New(failure.Transient, "read message", "suite", "suite.broken", errBroken)
}
