package ledger

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"time"

	"waybill/failure"
)

// errHeld is what lockFile returns when another process has the lock.
var errHeld = errors.New("another process holds the lock")

// Holder tells who writes a ledger. It is kept as JSON in the lock file.
type Holder struct {
	PID     int       `json:"pid"`
	User    string    `json:"user"`
	Host    string    `json:"host"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
}

func (h Holder) String() string {
	if h.PID == 0 {
		return "another process, which has not yet said who it is"
	}
	return fmt.Sprintf("process %d of %s on %s (%s), since %s", h.PID, h.User, h.Host, h.Command, h.Since.Format(time.RFC3339))
}

// lock is the right to write a ledger. It belongs to the open file, so the
// system takes it back when the process ends, however it ends.
type lock struct{ file *os.File }

// acquire takes the lock beside the ledger at path, and leaves word of who we
// are. The lock file stays when the lock is given back: removing it would let
// two processes lock two different files of that name.
func acquire(path, command string, now time.Time) (*lock, error) {
	name := path + ".lock"
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, explain("lock ledger", name, err)
	}
	if err := lockFile(f); err != nil {
		defer f.Close()
		if !errors.Is(err, errHeld) {
			return nil, explain("lock ledger", name, err)
		}
		return nil, failure.New(failure.Conflict, "open ledger", path, "ledger.held",
			fmt.Errorf("it is being written by %v", readHolder(f))).
			WithRemedy("wait until that process has ended, or stop it; waybill status and waybill report only read, and work meanwhile")
	}
	l := &lock{file: f}
	if err := l.sign(command, now); err != nil {
		_ = l.release()
		return nil, explain("lock ledger", name, err)
	}
	return l, nil
}

func (l *lock) sign(command string, now time.Time) error {
	h := Holder{PID: os.Getpid(), User: userName(), Command: command, Since: now.UTC()}
	h.Host, _ = os.Hostname()
	b, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := l.file.Truncate(0); err != nil {
		return err
	}
	_, err = l.file.WriteAt(append(b, '\n'), 0)
	return err
}

// release gives the lock back.
func (l *lock) release() error {
	if l == nil {
		return nil
	}
	return errors.Join(l.file.Truncate(0), l.file.Close())
}

// readHolder reads what the holder wrote; the zero Holder when it is not there
// or not readable.
func readHolder(f io.ReaderAt) Holder {
	var h Holder
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 64<<10))
	if err != nil || json.Unmarshal(b, &h) != nil {
		return Holder{}
	}
	return h
}

func userName() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return fmt.Sprintf("user %d", os.Getuid())
}
