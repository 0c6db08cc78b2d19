package post

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// Parcel is a message of exactly size bytes with an attachment, made while it is read.
func Parcel(n int, size int64) Letter {
	head := fmt.Sprintf("Date: Sun, 09 Mar 2003 17:04:05 +0100\r\nFrom: anna@example.org\r\nTo: bert@example.org\r\nSubject: Parcel %d\r\nMIME-Version: 1.0\r\n"+
		"Content-Type: multipart/mixed; boundary=parcel\r\n\r\n--parcel\r\nContent-Type: text/plain\r\n\r\nSee inside.\r\n--parcel\r\n"+
		"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=parcel.bin\r\n\r\n", n)
	const tail = "\r\n--parcel--\r\n"
	l := Letter{Name: fmt.Sprintf("parcel %d", n), Date: Born, Size: size}
	l.Open = func(ctx context.Context) (io.ReadCloser, error) {
		inner := size - int64(len(head)) - int64(len(tail))
		filled := io.LimitReader(&lines{n: uint64(n)}, max(inner, 0))
		whole := io.MultiReader(strings.NewReader(head), filled, strings.NewReader(tail))
		return &honest{ctx: ctx, from: io.LimitReader(whole, size)}, nil
	}
	return l
}

// lines yields lines of base64 that hardly repeat, without end.
type lines struct {
	n    uint64
	line [78]byte
	rest []byte
}

func (l *lines) Read(p []byte) (int, error) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	done := 0
	for done < len(p) {
		if len(l.rest) == 0 {
			// Four characters for each step of a linear congruence, whose high
			// bits are the random ones.
			for i := 0; i < 76; i += 4 {
				l.n = l.n*6364136223846793005 + 1442695040888963407
				x := l.n >> 40
				l.line[i], l.line[i+1], l.line[i+2], l.line[i+3] = alphabet[x&63], alphabet[x>>6&63], alphabet[x>>12&63], alphabet[x>>18&63]
			}
			l.line[76], l.line[77] = '\r', '\n'
			l.rest = l.line[:]
		}
		n := copy(p[done:], l.rest)
		l.rest = l.rest[n:]
		done += n
	}
	return done, nil
}
