package siteimap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"waybill/siteimap/gate"
	"waybill/sitestore"
)

// session is one connection that go-imap serves. It calls from one goroutine,
// and from a second one while the mail program idles: mu keeps them apart.
type session struct {
	server *Server
	gate   *gate.Conn
	remote string
	end    func() // gives the connection back
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	account string
	box     *sitestore.Mailbox // nil before logging on
	view    *view              // nil while no folder is selected
	saved   []uint32           // RFC 5182
	last    *content           // was looked at last
}

// newSession is go-imap's way to begin one.
func (s *Server) newSession(conn *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
	g, ok := conn.NetConn().(*guarded)
	if !ok {
		return nil, nil, errors.New("a connection from elsewhere")
	}
	x := &session{server: s, gate: g.Conn, remote: g.RemoteAddr().String(), end: g.end}
	x.ctx, x.cancel = context.WithCancel(s.ctx)
	return x, nil, nil
}

// Close gives everything back.
func (x *session) Close() error {
	x.cancel()
	x.mu.Lock()
	defer x.mu.Unlock()
	defer x.end()
	if x.box == nil {
		return nil
	}
	if err := x.box.Close(); err != nil {
		x.server.opt.Log(fmt.Sprintf("%s: closing the mailbox of %q: %v", x.remote, x.account, err))
	}
	x.view = nil
	return nil
}

// AppendLimit is the size of the largest message that is taken (RFC 7889).
func (x *session) AppendLimit() uint32 { return uint32(x.server.opt.MaxMessage) }

// Namespace is NAMESPACE (RFC 2342): there are only the account's own folders.
func (x *session) Namespace() (*imap.NamespaceData, error) {
	return &imap.NamespaceData{Personal: []imap.NamespaceDescriptor{{Delim: delimiter}}}, nil
}

// Poll tells what changed in the meantime, before the answer to a command.
// Messages must not lose their numbers while a command that uses them is under
// way (RFC 9051 7.5.1).
func (x *session) Poll(w *imapserver.UpdateWriter, allowExpunge bool) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.view == nil {
		return nil
	}
	if err := x.update(w, allowExpunge); err != nil {
		// The command itself was done.
		x.server.opt.Log(fmt.Sprintf("%s: changes in %q of %q cannot be told: %v", x.remote, x.view.path, x.account, err))
	}
	return nil
}

// Idle tells of changes until the mail program has enough (RFC 2177).
func (x *session) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	wake, leave := x.attend()
	defer leave()
	watch := time.NewTicker(x.server.opt.Watch)
	defer watch.Stop()
	var fault error
	for {
		if fault == nil {
			// After a fault nothing more can be told; the mail program hears why
			// at the end.
			fault = x.whileIdle(w, stop)
		}
		select {
		case <-wake:
		case <-watch.C:
		case <-stop:
			return refusal(fault)
		case <-x.ctx.Done():
			return nil
		}
	}
}

// attend asks to be woken when the selected folder changes.
func (x *session) attend() (wake <-chan struct{}, leave func()) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.view == nil {
		return nil, func() {}
	}
	return x.server.hub.join(x.view.id)
}

func (x *session) whileIdle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	select {
	case <-stop: // another command may be under way
		return nil
	default:
	}
	if x.view == nil || x.ctx.Err() != nil {
		return nil
	}
	return x.update(w, true)
}

// literal is a message on its way in. Its end before its time is an error,
// whatever the connection calls it.
type literal struct {
	r    io.Reader
	left int64
}

func (l *literal) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	l.left -= int64(n)
	if errors.Is(err, io.EOF) && l.left > 0 {
		err = cutOff(io.ErrUnexpectedEOF)
	} else if err != nil && !errors.Is(err, io.EOF) {
		err = cutOff(err)
	}
	return n, err
}

func (l *literal) Close() error { return nil }
