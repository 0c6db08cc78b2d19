// Package maildirs writes Maildirs of any size for measurements: the same
// options give the same files. It streams, so a message of 1 GB needs no memory.
package maildirs

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Options say how much is written.
type Options struct {
	Mailboxes int
	Messages  int // in all mailboxes together
	Folders   int // per mailbox, besides the inbox
	// Profile is the distribution of sizes: "office" (half below 5 kB, one in a
	// hundred with an attachment of up to 2 MB), "small" (about 1 kB), or "big"
	// (every message has Big bytes).
	Profile string
	Big     int64
	Seed    uint64
}

// Total is what was written.
type Total struct {
	Messages int
	Bytes    int64
}

// Write makes DIR/userNNN/ as Maildir++.
func Write(ctx context.Context, dir string, o Options) (Total, error) {
	var total Total
	if o.Mailboxes < 1 || o.Messages < 1 {
		return total, fmt.Errorf("want at least one mailbox and one message, have %d and %d", o.Mailboxes, o.Messages)
	}
	for m := range o.Mailboxes {
		count := o.Messages / o.Mailboxes
		if m < o.Messages%o.Mailboxes {
			count++
		}
		if err := mailbox(ctx, filepath.Join(dir, fmt.Sprintf("user%03d", m)), m, count, o, &total); err != nil {
			return total, err
		}
	}
	return total, nil
}

func mailbox(ctx context.Context, dir string, number, count int, o Options, total *Total) error {
	folders := []string{dir}
	for i := range o.Folders {
		folders = append(folders, filepath.Join(dir, fmt.Sprintf(".Projects.%04d", 2000+i)))
	}
	for i, f := range folders {
		for _, sub := range []string{"cur", "new", "tmp"} {
			if err := os.MkdirAll(filepath.Join(f, sub), 0o755); err != nil {
				return err
			}
		}
		if i > 0 {
			if err := os.WriteFile(filepath.Join(f, "maildirfolder"), nil, 0o644); err != nil {
				return err
			}
		}
	}
	random := rand.New(rand.NewPCG(o.Seed, uint64(number)))
	at := time.Date(2015, 1, 1, 8, 0, 0, 0, time.UTC)
	w := bufio.NewWriterSize(nil, 64<<10)
	for i := range count {
		if err := ctx.Err(); err != nil {
			return err
		}
		at = at.Add(time.Duration(random.IntN(20_000)) * time.Second)
		name := fmt.Sprintf("%d.M%06dP%d.bench:2,%s", at.Unix(), i%1_000_000, 1000+i/1_000_000, []string{"S", "RS", "", "FS"}[random.IntN(4)])
		path := filepath.Join(folders[random.IntN(len(folders))], "cur", name)
		n, err := message(path, w, random, at, number, i, o)
		if err != nil {
			return err
		}
		total.Messages++
		total.Bytes += n
	}
	return nil
}

// size draws the length of a message's body.
func size(random *rand.Rand, o Options) int64 {
	switch o.Profile {
	case "small":
		return 300 + random.Int64N(1200)
	case "big":
		return o.Big
	}
	switch p := random.IntN(1000); {
	case p < 500:
		return 700 + random.Int64N(4000)
	case p < 850:
		return 4000 + random.Int64N(12_000)
	case p < 990:
		return 15_000 + random.Int64N(100_000)
	}
	return 200_000 + random.Int64N(1_800_000)
}

func message(path string, w *bufio.Writer, random *rand.Rand, at time.Time, mailbox, number int, o Options) (n int64, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
		if err == nil {
			err = os.Chtimes(path, at, at)
		}
	}()
	counter := &counting{to: f}
	w.Reset(counter)
	length := size(random, o)
	fmt.Fprintf(w, "Return-Path: <sender%d@bench.example>\nReceived: from mx.bench.example (mx.bench.example [192.0.2.%d])\n\tby mail.bench.example (Postfix) with ESMTPS id %010X\n\tfor <user%03d@bench.example>; %s\n",
		number%97, number%250+1, random.Uint64()>>24, mailbox, at.Format(time.RFC1123Z))
	fmt.Fprintf(w, "From: Sender %d <sender%d@bench.example>\nTo: User %d <user%03d@bench.example>\nSubject: %s\nDate: %s\nMessage-ID: <%d.%d.%x@bench.example>\nMIME-Version: 1.0\n",
		number%97, number%97, mailbox, mailbox, words(random, 5), at.Format(time.RFC1123Z), mailbox, number, random.Uint64())
	if length < 20_000 {
		_, _ = w.WriteString("Content-Type: text/plain; charset=us-ascii\n\n")
		for length > 0 {
			line := words(random, 11)
			_, _ = w.WriteString(line + "\n")
			length -= int64(len(line)) + 1
		}
	} else {
		fmt.Fprintf(w, "Content-Type: multipart/mixed; boundary=\"b%d\"\n\n--b%d\nContent-Type: text/plain\n\n%s\n\n--b%d\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"drawing-%d.dat\"\n\n",
			number, number, words(random, 40), number, number)
		attachment(w, random, length)
		fmt.Fprintf(w, "--b%d--\n", number)
	}
	return counter.n, w.Flush()
}

// attachment writes base64 lines; every second block repeats, as in documents.
func attachment(w io.Writer, random *rand.Rand, length int64) {
	block := make([]byte, 57*64)
	var encoded []byte
	for i := int64(0); length > 0; i++ {
		if i%2 == 0 {
			for j := 0; j+8 <= len(block); j += 8 {
				v := random.Uint64()
				for k := range 8 {
					block[j+k] = byte(v >> (8 * k))
				}
			}
			encoded = encoded[:0]
			for j := 0; j < len(block); j += 57 {
				encoded = base64.StdEncoding.AppendEncode(encoded, block[j:j+57])
				encoded = append(encoded, '\n')
			}
		}
		piece := encoded[:min(length, int64(len(encoded)))]
		_, _ = w.Write(piece)
		length -= int64(len(piece))
	}
	_, _ = w.Write([]byte("\n"))
}

var vocabulary = strings.Fields(`the and of to we you your order offer invoice delivery quay crane pallet
anchor chain shackle rope harbour please find attached regarding meeting tomorrow morning price list number
customer ship berth tide water customs form signed copy thanks regards sincerely monday friday week winter
contract terms payment received account office Bremen Hull Rotterdam Tallinn storage container weight
manifest deck cargo insurance claim damage report photo question answer urgent`)

func words(random *rand.Rand, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(vocabulary[random.IntN(len(vocabulary))])
	}
	return b.String()
}

// counting counts what passes.
type counting struct {
	to io.Writer
	n  int64
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.to.Write(b)
	c.n += int64(n)
	return n, err
}
