package sitestore

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

// Holder tells who has a site open for writing. It is advisory: several
// processes may use a site at once, and locks are kept elsewhere.
type Holder struct {
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Command string    `json:"command"`
	Since   time.Time `json:"since"`
	// Self is true for the process that asks.
	Self bool `json:"-"`
	name string
}

func (h Holder) String() string {
	return fmt.Sprintf("%s, process %d on %s since %s", h.Command, h.PID, h.Host, h.Since.Format(time.DateTime))
}

const holderPrefix = "holder-"

// register writes the record of this process and locks it, so that others can
// tell a living holder from the leftover of a crash.
func (s *Store) register(command string) error {
	f, err := os.CreateTemp(s.dir(), holderPrefix+"*")
	if err != nil {
		return failure.New(failure.ClassOf(err), "open site", s.dir(), "site.holder", err)
	}
	if _, err := blob.TryLock(f); err != nil {
		_ = f.Close()
		return failure.New(failure.ClassOf(err), "open site", f.Name(), "site.holder", err)
	}
	s.holder = f
	host, _ := os.Hostname()
	if command == "" {
		command = filepath.Base(os.Args[0])
	}
	record, err := json.Marshal(Holder{PID: os.Getpid(), Host: host, Command: command, Since: time.Now().UTC().Truncate(time.Second)})
	if err == nil {
		_, err = f.Write(append(record, '\n'))
	}
	if err != nil {
		return failure.New(failure.ClassOf(err), "open site", f.Name(), "site.holder", err)
	}
	return nil
}

func (s *Store) unregister() {
	if s.holder != nil {
		_ = os.Remove(s.holder.Name())
		_ = s.holder.Close()
		s.holder = nil
	}
}

// Holders lists the processes that have the site open for writing.
func (s *Store) Holders() []Holder {
	entries, err := os.ReadDir(s.dir())
	if err != nil {
		return nil
	}
	var holders []Holder
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), holderPrefix) || !s.alive(e.Name()) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(s.dir(), e.Name()))
		if err != nil || len(text) > 64<<10 {
			continue
		}
		h := Holder{name: e.Name(), Self: s.holder != nil && filepath.Base(s.holder.Name()) == e.Name()}
		if json.Unmarshal(text, &h) == nil {
			holders = append(holders, h)
		}
	}
	return holders
}

// alive reports whether a holder's record is locked by a process, and clears
// away a record that is not.
func (s *Store) alive(name string) bool {
	if s.holder != nil && filepath.Base(s.holder.Name()) == name {
		return true
	}
	f, err := os.Open(filepath.Join(s.dir(), name))
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
	if s.holder != nil {
		_ = os.Remove(f.Name())
	}
	return false
}

// holders describes the other processes in one line.
func (s *Store) holders() string {
	var words []string
	for _, h := range s.Holders() {
		if !h.Self {
			words = append(words, h.String())
		}
	}
	if len(words) == 0 {
		return "it has left no record of itself"
	}
	return strings.Join(words, "; ")
}
