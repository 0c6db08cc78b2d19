package gate

import (
	"bufio"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestRewriting(t *testing.T) {
	for text, want := range map[string]string{
		"a SEARCH SMALLER 10 SINCE 1-Jan-2020":                      "a SEARCH NOT LARGER 9 SINCE 1-Jan-2020",
		"a SEARCH (smaller 1) NOT SMALLER 0":                        "a SEARCH (NOT LARGER 0) NOT NOT ALL",
		"a SEARCH LARGER 0 LARGER 7":                                "a SEARCH NOT SMALLER 1 LARGER 7",
		"a SEARCH SUBJECT smaller 5":                                "a SEARCH SUBJECT smaller 5",
		`a SEARCH HEADER x smaller 5 TEXT "SMALLER 5 \" SMALLER 5"`: `a SEARCH HEADER x smaller 5 TEXT "SMALLER 5 \" SMALLER 5"`,
		"a SEARCH SMALLER x":                                        "a SEARCH SMALLER x",
		"a SEARCH SMALLER":                                          "a SEARCH SMALLER",
		"a SEARCH SMALLER  5":                                       "a SEARCH SMALLER  5",
		`a SEARCH "open`:                                            `a SEARCH "open`,
	} {
		if got := string(sizesApart([]byte(text + "\r\n"))); got != want+"\r\n" {
			t.Errorf("%s became %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		`a LOGIN o*k "x y"`: `a LOGIN "o*k" "x y"`, `a LOGIN "a b" c\d`: `a LOGIN "a b" "c\\d"`, "a LOGIN x": `a LOGIN "x"`, "a LOGIN": "a LOGIN", "a LOGIN ": "a LOGIN ", `a LOGIN "x`: `a LOGIN "x`, "a LOGIN  b": `a LOGIN  "b"`,
	} {
		if got := string(quotedWords([]byte(text + "\r\n"))); got != want+"\r\n" {
			t.Errorf("%s became %q, want %q", text, got, want)
		}
	}
}

// pair are the two ends of a connection.
func pair(t *testing.T) (near *net.TCPConn, far net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if far, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	near, _ = conn.(*net.TCPConn)
	return near, far
}

// handed are the commands that a mail program's words become, and what it hears.
func handed(t *testing.T, said string) (commands []string, heard string) {
	t.Helper()
	near, far := pair(t)
	go func() {
		_, _ = io.WriteString(near, said)
		_ = near.CloseWrite()
	}()
	out := make(chan string, 1)
	quiet := make(chan struct{})
	go func() {
		defer close(quiet)
		b, _ := io.ReadAll(near)
		out <- string(b)
	}()
	g := New(t.Context(), far, nil)
	in := bufio.NewReader(g)
	for {
		l, err := in.ReadString('\n')
		if l != "" {
			commands = append(commands, l)
		}
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) {
				t.Errorf("%v", err)
			}
			break
		}
		if tag, name := nameOf([]byte(l)); name != "APPEND" && name != "IDLE" && name != "AUTHENTICATE" && tag != "" && g.stage == atCommand {
			if _, err := g.Write([]byte(tag + " OK done\r\n")); err != nil {
				break
			}
		}
	}
	g.Abort()
	<-quiet
	_ = near.Close()
	return commands, <-out
}

func TestCommandsAreWhole(t *testing.T) {
	for said, want := range map[string][]string{
		"a LIST {2+}\r\nx\" {0+}\r\n\r\n":                                        {`a LIST "x\"" ""` + "\r\n"},
		"a X {4+}\r\nab\r\n\r\nb NOOP\r\n":                                       {"b NOOP\r\n"},
		"a IDLE\r\ndone\r\n":                                                     {"a IDLE\r\n", "DONE\r\n"},
		"\r\n\x00\r\na\r\nb NOOP\r\n":                                            {"b NOOP\r\n"},
		"a APPEND x {3+}\r\na\nb\r\nb NOOP\r\n":                                  {"a APPEND x {3+}\r\n", "a\n", "b\r\n", "b NOOP\r\n"},
		"a X {5000+}\r\n" + strings.Repeat("x NOOP\r\n", 625) + "\r\nb NOOP\r\n": {"b NOOP\r\n"},
		"a NOOP " + strings.Repeat("x", 100_000) + "\r\n":                        nil,
	} {
		got, _ := handed(t, said)
		if !slices.Equal(got, want) {
			t.Errorf("%.40q became %.80q, want %q", said, got, want)
		}
	}
}

// FuzzCommands says anything: what is handed on are lines of bounded length.
func FuzzCommands(f *testing.F) {
	for _, s := range []string{"a NOOP\r\n", "a LOGIN {1+}\r\nx {2}\r\nyy\r\n", "a APPEND {1+}\r\nx (\\Seen) {3+}\r\nabc\r\n", "a AUTHENTICATE PLAIN\r\n*\r\n", "{99999999999+}\r\n", "a UID SEARCH SMALLER 1 (\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, said string) {
		commands, _ := handed(t, said)
		for _, c := range commands {
			if len(c) > 2*maxCommand {
				t.Fatalf("a line of %d bytes", len(c))
			}
		}
	})
}
