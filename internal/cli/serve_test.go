package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestServe logs on with what the command prints, and interrupts it.
func TestServe(t *testing.T) {
	site := filepath.Join(t.TempDir(), "new.site")
	for _, args := range [][]string{{"site", "create", site}, {"site", "add", site, "anna"}} {
		var said bytes.Buffer
		if code := Run(t.Context(), args, nil, &said, &said); code != 0 {
			t.Fatalf("%q: %d %s", args, code, &said)
		}
	}
	for _, args := range [][]string{{"--json", "serve", "--imap", "127.0.0.1:0", "site:" + site}, {"--json", "serve", "--imap", "localhost:0", "--password-from", "env:SERVE_PASSWORD", site}} {
		t.Setenv("SERVE_PASSWORD", "chosen")
		ctx, interrupt := context.WithCancel(t.Context())
		out, in := io.Pipe()
		code := make(chan int, 1)
		go func() {
			code <- Run(ctx, args, nil, in, io.Discard)
			_ = in.Close()
		}()
		lines := bufio.NewScanner(out)
		var serving struct{ Type, Protocol, Address, Password string }
		if !lines.Scan() || json.Unmarshal(lines.Bytes(), &serving) != nil || serving.Type != "serving" || serving.Protocol != "imap" {
			t.Fatalf("%q said %q", args, lines.Text())
		}
		if strings.Contains(strings.Join(args, " "), "SERVE_PASSWORD") {
			if serving.Password != "" {
				t.Error("a password that was chosen is shown")
			}
			serving.Password = "chosen"
		}
		conn, err := net.Dial("tcp", serving.Address)
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(time.Minute))
		_, _ = fmt.Fprintf(conn, "a LOGIN anna %s\r\n", serving.Password)
		from := bufio.NewScanner(conn)
		var answers []string
		for from.Scan() {
			answers = append(answers, from.Text())
			if len(answers) == 2 {
				interrupt()
			}
		}
		interrupt()
		if len(answers) != 3 || !strings.HasPrefix(answers[1], "a OK") || !strings.HasPrefix(answers[2], "* BYE") {
			t.Errorf("%q", answers)
		}
		_ = conn.Close()
		rest, _ := io.ReadAll(out)
		if got := <-code; got != 0 {
			t.Errorf("%q ended with %d: %s", args, got, rest)
		}
	}
}
