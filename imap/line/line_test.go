package line_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"waybill/imap/line"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A read ends when its context does, and says why.
func TestContextEndsReading(t *testing.T) {
	here, there := net.Pipe()
	defer there.Close()
	c := line.NewConn(here, time.Hour, nil)
	defer c.Close()
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer c.Begin(ctx)()
	go cancel(why)
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, why) || !c.Cancelled() {
		t.Errorf("%v, cancelled %t", err, c.Cancelled())
	}
}

// Silence ends a read and a write, but not while we are the ones who are waited for.
func TestSilence(t *testing.T) {
	here, there := net.Pipe()
	defer there.Close()
	c := line.NewConn(here, 30*time.Millisecond, nil)
	defer c.Close()
	defer c.Begin(t.Context())()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, line.ErrSilent) || c.Cancelled() {
		t.Errorf("reading: %v", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, line.ErrSilent) {
		t.Errorf("writing: %v", err)
	}
	c.Pause()
	go func() {
		<-time.After(150 * time.Millisecond)
		_, _ = there.Write([]byte("y"))
	}()
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Errorf("while we are waited for: %v", err)
	}
	c.Resume()
}

// What goes in packed comes out as it was, and every byte is counted once.
func TestCompressedComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var plain, packed bytes.Buffer
		w := line.NewWriter(&plain)
		hello := rapid.String().Draw(t, "before")
		text := strings.Repeat(rapid.String().Draw(t, "text"), rapid.IntRange(0, 3000).Draw(t, "times"))
		put := func(s string) {
			if _, err := w.WriteString(s); err != nil {
				t.Fatal(err)
			}
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		put(hello)
		if err := w.Compress(&packed); err != nil {
			t.Fatal(err)
		}
		put(text)
		got := make([]byte, len(text)) // the stream has no end
		if _, err := io.ReadFull(line.Decompress(&packed), got); err != nil || string(got) != text || plain.String() != hello {
			t.Fatalf("%v", err)
		}
		if want := int64(len(hello) + len(text)); w.Sent() != want {
			t.Fatalf("%d bytes sent, not %d", w.Sent(), want)
		}
	})
}

func TestTraceHidesSecrets(t *testing.T) {
	var shown []string
	trace := line.Trace{Show: func(direction, text string) { shown = append(shown, direction+" "+text) }}
	trace.Keep("swordfish")
	trace.Keep("ab") // would take words apart
	trace.Hush = true
	trace.Received([]byte("+ c3dvcmRmaXNo"))
	trace.Received([]byte("* NO swordfish is wrong, about that"))
	trace.Sent("W1 LOGIN anna swordfish")
	trace.Hush = false
	trace.Received([]byte("+ go on"))
	trace.Sent(strings.Repeat("x", 5000))
	trace.Forget()
	trace.Received([]byte("* LIST () NIL swordfish"))
	want := []string{"S + <secret>", "S * NO <secret> is wrong, about that", "C W1 LOGIN anna <secret>", "S + go on",
		"C " + strings.Repeat("x", 4096) + "...", "S * LIST () NIL swordfish"}
	if strings.Join(shown, "\n") != strings.Join(want, "\n") {
		t.Errorf("%q", shown)
	}
	silent := line.Trace{}
	silent.Sent("x")
	silent.Received(nil)
}
