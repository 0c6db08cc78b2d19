package check

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Snapshot is a directory as it was at one moment.
type Snapshot struct{ entries []entry }

type entry struct {
	name string // relative to the directory
	mode fs.FileMode
	time time.Time
	data []byte // of files, and the goal of links
}

// TakeSnapshot reads all of dir. The stores of the suite are small.
func TakeSnapshot(dir string) (*Snapshot, error) {
	s := &Snapshot{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		e := entry{name: name, mode: info.Mode(), time: info.ModTime()}
		switch {
		case info.Mode().IsRegular():
			e.data, err = os.ReadFile(path)
		case info.Mode()&fs.ModeSymlink != 0:
			var goal string
			goal, err = os.Readlink(path)
			e.data = []byte(goal)
		}
		s.entries = append(s.entries, e)
		return err
	})
	return s, err
}

// Restore makes dir what it was, writing into the files that are still there so
// that they stay the same files to those who tell them by inode.
func (s *Snapshot) Restore(dir string) error {
	now, err := TakeSnapshot(dir)
	if err != nil {
		return err
	}
	for _, e := range slices.Backward(now.entries) {
		if !slices.ContainsFunc(s.entries, func(then entry) bool { return then.name == e.name }) {
			if err := os.Remove(filepath.Join(dir, e.name)); err != nil {
				return err
			}
		}
	}
	for _, e := range s.entries {
		path := filepath.Join(dir, e.name)
		var err error
		switch {
		case e.mode.IsDir():
			err = os.MkdirAll(path, 0o700)
		case e.mode.IsRegular():
			err = os.WriteFile(path, e.data, e.mode.Perm())
		}
		if err != nil {
			return err
		}
	}
	for _, e := range slices.Backward(s.entries) {
		if e.mode.IsDir() || e.mode.IsRegular() {
			if err := os.Chtimes(filepath.Join(dir, e.name), e.time, e.time); err != nil {
				return err
			}
		}
	}
	return nil
}

// Differences names what is not the same in both, as far as a reader could have
// changed it.
func (s *Snapshot) Differences(later *Snapshot) []string {
	var list []string
	then := map[string]entry{}
	for _, e := range s.entries {
		then[e.name] = e
	}
	for _, e := range later.entries {
		was, ok := then[e.name]
		delete(then, e.name)
		switch {
		case !ok:
			list = append(list, e.name+" is new")
		case was.mode != e.mode:
			list = append(list, e.name+" has another mode")
		case !was.time.Equal(e.time):
			list = append(list, e.name+" has another time of change")
		case string(was.data) != string(e.data):
			list = append(list, e.name+" has other content")
		}
	}
	for name := range then {
		list = append(list, name+" is gone")
	}
	slices.Sort(list)
	return list
}
