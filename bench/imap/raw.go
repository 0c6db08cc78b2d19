//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"waybill/internal/counterpart"
)

// batch is how many messages one MULTIAPPEND takes.
const batch = 100

// raw is the limit that others are measured against: everything that two
// servers can do, nothing that a migration needs besides. With back everything is
// fetched from the target again, and thrown away.
func raw(ctx context.Context, from, to *counterpart.Dovecot, users []string, connections int, back bool) error {
	type task struct {
		user    string
		folders []string
	}
	var tasks []task
	for _, user := range users {
		folders, err := listFolders(ctx, from, user)
		if err != nil {
			return err
		}
		if len(users) > 1 || connections == 1 {
			tasks = append(tasks, task{user, folders})
			continue
		}
		for _, f := range folders { // one mailbox on several connections
			tasks = append(tasks, task{user, []string{f}})
		}
	}
	queue := make(chan task, len(tasks))
	for _, t := range tasks {
		queue <- t
	}
	close(queue)
	errs := make(chan error, connections)
	for range connections {
		go func() {
			var l *loop
			var failed error
			for t := range queue {
				if l == nil || l.user != t.user {
					l.close()
					if l, failed = newLoop(ctx, from, to, t.user); failed != nil {
						break
					}
				}
				if failed = l.move(t.folders); failed != nil {
					break
				}
				if !back {
					continue
				}
				if failed = l.fetchBack(t.folders); failed != nil {
					break
				}
			}
			l.close()
			errs <- failed
		}()
	}
	var all error
	for range connections {
		all = errors.Join(all, <-errs)
	}
	return all
}

// wire is one connection.
type wire struct {
	net.Conn

	r *bufio.Reader
	w *bufio.Writer
}

func logOn(ctx context.Context, d *counterpart.Dovecot, user string) (*wire, error) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", d.Addr)
	if err != nil {
		return nil, err
	}
	w := &wire{c, bufio.NewReaderSize(c, 256<<10), bufio.NewWriterSize(c, 256<<10)}
	if _, err = w.r.ReadString('\n'); err == nil {
		err = w.say("a LOGIN %s*master %s\r\n", user, password)
	}
	if err == nil {
		_, err = w.until("a ")
	}
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return w, nil
}

func (w *wire) say(format string, args ...any) error {
	if _, err := fmt.Fprintf(w.w, format, args...); err != nil {
		return err
	}
	return w.w.Flush()
}

// until reads lines up to the tagged one, which has to be OK.
func (w *wire) until(tag string) ([]string, error) {
	var lines []string
	for {
		line, err := w.r.ReadString('\n')
		if err != nil {
			return lines, err
		}
		if rest, ok := strings.CutPrefix(line, tag); ok {
			if !strings.HasPrefix(rest, "OK") {
				return lines, fmt.Errorf("%s", strings.TrimSpace(line))
			}
			return lines, nil
		}
		lines = append(lines, line)
	}
}

var listLine = regexp.MustCompile(`^\* LIST \(([^)]*)\) "[^"]*" (?:"((?:[^"\\]|\\.)*)"|(\S+))\r\n$`)

// listFolders gives the names as they are said on the wire, quoted; INBOX first.
func listFolders(ctx context.Context, d *counterpart.Dovecot, user string) ([]string, error) {
	w, err := logOn(ctx, d, user)
	if err != nil {
		return nil, err
	}
	defer func() { _ = w.Close() }()
	if err := w.say("b LIST \"\" *\r\n"); err != nil {
		return nil, err
	}
	lines, err := w.until("b ")
	var folders []string
	for _, line := range lines {
		m := listLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("LIST of %s: %q", user, line)
		}
		if !strings.Contains(m[1], `\Noselect`) {
			folders = append(folders, `"`+m[2]+m[3]+`"`)
		}
	}
	slices.Sort(folders)
	return folders, err
}

// loop moves folders from one connection to another.
type loop struct {
	user     string
	from, to *wire
}

func newLoop(ctx context.Context, from, to *counterpart.Dovecot, user string) (*loop, error) {
	f, err := logOn(ctx, from, user)
	if err != nil {
		return nil, err
	}
	t, err := logOn(ctx, to, user)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &loop{user, f, t}, nil
}

func (l *loop) close() {
	if l != nil {
		_ = l.from.Close()
		_ = l.to.Close()
	}
}

// move asks for all folders at once, and writes without waiting for answers.
func (l *loop) move(folders []string) error {
	for _, name := range folders {
		if _, err := fmt.Fprintf(l.from.w, "s EXAMINE %s\r\nf UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])\r\n", name); err != nil {
			return err
		}
	}
	if err := l.from.w.Flush(); err != nil {
		return err
	}
	var answers sync.WaitGroup
	var failed error
	answers.Go(func() {
		_, failed = l.to.until("end ")
	})
	err := l.folders(folders)
	if err == nil {
		err = l.to.say("end NOOP\r\n")
	}
	if err != nil {
		_ = l.to.Close()
	}
	answers.Wait()
	return errors.Join(err, failed)
}

func (l *loop) folders(names []string) error {
	for _, name := range names {
		if name != `"INBOX"` {
			if _, err := fmt.Fprintf(l.to.w, "c CREATE %s\r\n", name); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(l.to.w, "s SELECT %s\r\n", name); err != nil {
			return err
		}
		if _, err := l.from.until("s "); err != nil {
			return err
		}
		if err := l.folder(name); err != nil {
			return fmt.Errorf("%s %s: %w", l.user, name, err)
		}
	}
	return nil
}

// fetchBack reads all that was written, and keeps nothing of it.
func (l *loop) fetchBack(names []string) error {
	for _, name := range names {
		if err := l.to.say("s EXAMINE %s\r\nwb-end-of-fetch UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[])\r\n", name); err != nil {
			return err
		}
		for {
			line, err := l.to.r.ReadSlice('\n')
			if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
				return err
			}
			if bytes.HasPrefix(line, []byte("wb-end-of-fetch ")) {
				break
			}
		}
	}
	return nil
}

var fetchLine = regexp.MustCompile(`FLAGS \(([^)]*)\) INTERNALDATE ("[^"]*") BODY\[\] \{(\d+)\}\r\n$`)

// folder copies one folder, body by body, from one socket to the other.
func (l *loop) folder(name string) error {
	n := 0
	for {
		line, err := l.from.r.ReadString('\n')
		if err != nil {
			return err
		}
		if rest, ok := strings.CutPrefix(line, "f "); ok {
			if n%batch != 0 {
				_, err = l.to.w.WriteString("\r\n")
			}
			// An empty folder answers NO or BAD to 1:* on some servers.
			if err == nil && !strings.HasPrefix(rest, "OK") && n > 0 {
				err = fmt.Errorf("%s", strings.TrimSpace(line))
			}
			return err
		}
		m := fetchLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		size, err := strconv.ParseInt(m[3], 10, 64)
		if err != nil {
			return err
		}
		before := " "
		if n%batch == 0 {
			before = "m APPEND " + name + " "
		}
		flags := strings.TrimSpace(strings.ReplaceAll(m[1], `\Recent`, ""))
		if _, err := fmt.Fprintf(l.to.w, "%s(%s) %s {%d+}\r\n", before, flags, m[2], size); err != nil {
			return err
		}
		if _, err := io.CopyN(l.to.w, l.from.r, size); err != nil {
			return err
		}
		if _, err := l.from.r.ReadString('\n'); err != nil { // the end of this FETCH
			return err
		}
		if n++; n%batch == 0 {
			if _, err := l.to.w.WriteString("\r\n"); err != nil {
				return err
			}
		}
	}
}
