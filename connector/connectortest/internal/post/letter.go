// Package post makes the messages of the conformance suite: ordinary ones, odd
// ones and large ones.
package post

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

// Letter is a message of the suite, on its way to a target.
type Letter struct {
	Name  string
	Body  []byte
	Date  time.Time
	Flags mail.FlagSet
	// Open, when set, gives Size bytes in place of Body.
	Open func(ctx context.Context) (io.ReadCloser, error)
	Size int64
}

// Born is the date of letters that are not about dates.
var Born = time.Date(2003, time.March, 9, 17, 4, 5, 0, time.FixedZone("", 3600))

// Compose makes an ordinary message, different for every n.
func Compose(n int) Letter {
	return Letter{Name: fmt.Sprint(n), Body: text(n, fmt.Sprintf("The %d. crate has left the harbour.\r\n\r\nRegards\r\nAnna\r\n", n)), Date: Born.Add(time.Duration(n) * time.Minute)}
}

// Many makes n ordinary messages, numbered from first.
func Many(first, n int) []Letter {
	letters := make([]Letter, n)
	for i := range letters {
		letters[i] = Compose(first + i)
	}
	return letters
}

func text(n int, body string) []byte {
	return fmt.Appendf(nil, "Date: Sun, 09 Mar 2003 17:04:05 +0100\r\nFrom: Anna Hale <anna@example.org>\r\nTo: Bert Harbour <bert@example.org>\r\n"+
		"Subject: Crate %d\r\nMessage-ID: <crate-%d@example.org>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n%s", n, n, body)
}

// Item is the letter as the engine hands it over.
func (l Letter) Item() connector.Item {
	it := connector.Item{
		Message: mail.Message{Key: l.Name, Size: int64(len(l.Body)), InternalDate: l.Date, Flags: l.Flags},
		Open: func(ctx context.Context) (io.ReadCloser, error) {
			return &honest{ctx: ctx, from: bytes.NewReader(l.Body)}, nil
		},
	}
	if l.Open != nil {
		it.Size, it.Open = l.Size, l.Open
	}
	return it
}

// Items are letters as the engine hands them over.
func Items(letters []Letter) []connector.Item {
	list := make([]connector.Item, len(letters))
	for i, l := range letters {
		list[i] = l.Item()
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

// ErrBroken is what a broken reader fails with.
var ErrBroken = errors.New("the source broke in the middle of the message")

// Halfway makes the letter's reader give half of the message and then call f,
// whose error the reader returns; after a nil error it gives the rest.
func (l Letter) Halfway(f func() error) Letter {
	l.Size = int64(len(l.Body))
	l.Open = func(ctx context.Context) (io.ReadCloser, error) {
		half := len(l.Body) / 2
		return io.NopCloser(io.MultiReader(bytes.NewReader(l.Body[:half]), &Trap{Do: f}, bytes.NewReader(l.Body[half:]))), nil
	}
	return l
}

// Trap calls Do once, on the first Read.
type Trap struct{ Do func() error }

func (r *Trap) Read([]byte) (int, error) {
	if err := r.Do(); err != nil {
		return 0, err
	}
	return 0, io.EOF
}

// Broken is the error of a reader that breaks.
func Broken() error {
	return failure.New(failure.Transient, "read message", "suite", "suite.broken", ErrBroken)
}
