// Package holder tells which processes have a site open for writing: each keeps
// a locked record of itself in the folder beside the site. It is advisory:
// several processes may use a site at once, and locks are kept elsewhere.
package holder

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"waybill/failure"
	"waybill/sitestore/blob"
)

// Process is one that has a site open for writing.
type Process struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
	// Self is true for the process that asks.
	Self bool `json:"-"`
}

func (p Process) String() string {
	return fmt.Sprintf("%s, process %d on %s since %s", p.Command, p.PID, p.Host, p.Since.Format(time.DateTime))
}

const prefix = "holder-"

// Records are the records in one folder.
type Records struct {
	dir string
	own *os.File // nil while this process has none
}

// In is the records in the folder dir.
func In(dir string) *Records { return &Records{dir: dir} }

// Name is the name of this process's own record.
func (r *Records) Name() string { return filepath.Base(r.own.Name()) }

// Register writes the record of this process and locks it, so that others can
// tell a living holder from the leftover of a crash.
func (r *Records) Register(command string) error {
	f, err := os.CreateTemp(r.dir, prefix+"*")
	if err != nil {
		return failure.New(failure.ClassOf(err), "open site", r.dir, "site.holder", err)
	}
	if _, err := blob.TryLock(f); err != nil {
		_ = f.Close()
		return failure.New(failure.ClassOf(err), "open site", f.Name(), "site.holder", err)
	}
	r.own = f
	host, _ := os.Hostname()
	if command == "" {
		command = filepath.Base(os.Args[0])
	}
	record, err := json.Marshal(Process{PID: os.Getpid(), Host: host, Command: command, Since: time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		_, err = f.Write(append(record, '\n'))
	}
	if err != nil {
		return failure.New(failure.ClassOf(err), "open site", f.Name(), "site.holder", err)
	}
	return nil
}

// Leave takes the record of this process away.
func (r *Records) Leave() {
	if r.own != nil {
		_ = os.Remove(r.own.Name())
		_ = r.own.Close()
		r.own = nil
	}
}

// List lists the processes that have the site open for writing.
func (r *Records) List() []Process {
	entries, err := os.ReadDir(r.dir)
	if err != nil {
		return nil
	}
	var list []Process
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), prefix) || !r.Alive(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(r.dir, e.Name()))
		if err != nil || len(text) > 64<<10 {
			continue
		}
		p := Process{Self: r.isOwn(e.Name())}
		if json.Unmarshal(text, &p) == nil {
			list = append(list, p)
		}
	}
	return list
}

func (r *Records) isOwn(name string) bool { return r.own != nil && r.Name() == name }

// Alive reports whether a holder's record is locked by a process, and clears
// away a record that is not.
func (r *Records) Alive(name string) bool {
	if r.isOwn(name) {
		return true
	}
	f, err := os.Open(filepath.Join(r.dir, name))
	if err != nil {
		return false
	}
	defer f.Close()
	// A record is locked before it is written: an empty one belongs to a process
	// that is just starting, or that was killed just then.
	if info, err := f.Stat(); err == nil && info.Size() == 0 && time.Since(info.ModTime()) < time.Minute {
		return true
	}
	free, err := blob.TryLock(f)
	if err != nil || !free {
		return err == nil
	}
	if r.own != nil {
		_ = os.Remove(f.Name())
	}
	return false
}

// Others describes the other processes in one line.
func (r *Records) Others() string {
	var words []string
	for _, p := range r.List() {
		if !p.Self {
			words = append(words, p.String())
		}
	}
	if len(words) == 0 {
		return "it has left no record of itself"
	}
	return strings.Join(words, "; ")
}
