package imap_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"waybill/imap"
)

// BenchmarkFetch reads messages of 2 kB; one operation is one message.
func BenchmarkFetch(b *testing.B) {
	const batch = 1000
	var answers bytes.Buffer
	body := strings.Repeat("0123456789abcdef 0123456789abc\r\n", 64)
	for i := range batch {
		fmt.Fprintf(&answers, "* %d FETCH (UID %d FLAGS (\\Seen $Forwarded) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE %d BODY[] {%d}\r\n%s)\r\n", i+1, i+1, len(body), len(body), body)
	}
	c := inProcess(b, func(in *bufio.Reader, out io.Writer) error {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		tag, rest, _ := strings.Cut(line, " ")
		if strings.HasPrefix(rest, "UID FETCH") {
			_, _ = out.Write(answers.Bytes())
		}
		_, err = fmt.Fprintf(out, "%s OK done\r\n", tag)
		return err
	})
	if _, err := c.Select(b.Context(), "INBOX", imap.SelectOptions{}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(answers.Len() / batch))
	b.ResetTimer()
	for n := 0; n < b.N; n += batch {
		s := c.Fetch(b.Context(), imap.FetchRequest{UIDs: imap.UIDSet{{First: 1}}, Flags: true, InternalDate: true, Size: true, Body: true})
		for {
			it, err := s.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, it.Body); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// BenchmarkAppend delivers messages of 2 kB in batches of 30.
func BenchmarkAppend(b *testing.B) {
	const batch = 30
	body := strings.Repeat("0123456789abcdef 0123456789abc\r\n", 64)
	c := inProcess(b, func(in *bufio.Reader, out io.Writer) error {
		line, err := in.ReadString('\n')
		if err != nil {
			return err
		}
		tag, rest, _ := strings.Cut(line, " ")
		for {
			at := strings.LastIndexByte(rest, '{')
			if at < 0 {
				break
			}
			var n int
			if _, err := fmt.Sscanf(rest[at:], "{%d", &n); err != nil {
				return err
			}
			if _, err := in.Discard(n); err != nil {
				return err
			}
			if rest, err = in.ReadString('\n'); err != nil {
				return err
			}
		}
		_, err = fmt.Fprintf(out, "%s OK done\r\n", tag)
		return err
	})
	readers := make([]strings.Reader, batch)
	items := make([]imap.AppendItem, batch)
	flags := []string{`\Seen`}
	date := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	b.ResetTimer()
	for n := 0; n < b.N; n += batch {
		for i := range items {
			readers[i].Reset(body)
			items[i] = imap.AppendItem{Flags: flags, Date: date, Size: int64(len(body)), Body: &readers[i]}
		}
		if _, err := c.Append(b.Context(), "INBOX", items, imap.Multi); err != nil {
			b.Fatal(err)
		}
	}
}

// inProcess connects to a server that answers commands with serve.
func inProcess(b *testing.B, serve func(in *bufio.Reader, out io.Writer) error) *imap.Conn {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "* OK [CAPABILITY IMAP4rev1 LITERAL+ MULTIAPPEND] hi\r\n")
		for in := bufio.NewReaderSize(conn, 64<<10); serve(in, conn) == nil; {
		}
	}()
	c, err := imap.Dial(b.Context(), imap.Options{Addr: l.Addr().String(), Mode: imap.Plain})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = c.Close(); _ = l.Close() })
	return c
}
