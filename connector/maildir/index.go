package maildir

import (
	"bytes"
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"waybill/connector/files"
	"waybill/failure"
)

// index holds the names of a folder's files in order of arrival, in about half
// the bytes of the names themselves: a folder of a million messages must fit in
// a few tens of megabytes. It does not change once it was built.
//
// Names lie in chunks, each as: its length, where it lies, which host, and the
// name without its leading number (which is in the entry) and without the
// host's name (which is the same in nearly all names).
type index struct {
	chunks  [][]byte
	entries []entry
	hosts   []string
	hostIDs map[string]byte
}

// entry is one name: the time that it begins with, and the place of the rest.
type entry struct {
	time uint32
	at   uint32
}

const (
	chunkBits = 18
	chunkSize = 1 << chunkBits
	maxHosts  = 255

	inNew  = 1 << 0 // lies in new/, not in cur/
	elided = 1 << 1 // the leading number is in the entry alone
)

// fileName is a name in cur or new.
type fileName struct {
	name  string
	inNew bool
}

func (f fileName) path(dir string) string {
	if f.inNew {
		return dir + "/new/" + f.name
	}
	return dir + "/cur/" + f.name
}

// readIndex lists the messages of a folder. A directory that is not there holds
// no messages; at least one of them must be.
func readIndex(ctx context.Context, dir string) (*index, error) {
	x := &index{hostIDs: map[string]byte{}}
	missing := 0
	for i, part := range []string{"cur", "new"} {
		err := x.scan(ctx, filepath.Join(dir, part), i == 1)
		if failure.ClassOf(err) == failure.Vanished && err != nil {
			missing++
			continue
		}
		if err != nil {
			return nil, err
		}
	}
	if missing == 2 && !files.IsDir(filepath.Join(dir, "tmp")) && !isMarked(dir) && !files.IsDir(dir) {
		return nil, failure.New(failure.Vanished, "list messages", dir, "maildir.no-folder", errors.New("the folder is gone"))
	}
	x.sort()
	return x, nil
}

// sort brings the names into the order of arrival.
func (x *index) sort() {
	var a, b [maxDirName + 1]byte
	slices.SortFunc(x.entries, func(l, r entry) int {
		if l.time != r.time {
			return int(int64(l.time) - int64(r.time))
		}
		left, leftNew := x.name(l, a[:0])
		right, rightNew := x.name(r, b[:0])
		if c := compareBases(base(left), base(right)); c != 0 {
			return c
		}
		if c := bytes.Compare(left, right); c != 0 || leftNew == rightNew {
			return c
		}
		if rightNew {
			return -1
		}
		return 1
	})
}

func (x *index) scan(ctx context.Context, dir string, isNew bool) error {
	scan, err := files.OpenScan(dir)
	if err != nil {
		return err
	}
	defer func() { _ = scan.Close() }()
	return scan.Each(ctx, func(name []byte) error {
		if name[0] == '.' { // the rule of Maildir: such names are not messages
			return nil
		}
		return x.add(name, isNew)
	})
}

// add stores one name.
func (x *index) add(name []byte, isNew bool) error {
	if len(name) > maxDirName {
		return failure.New(failure.Malformed, "list messages", string(name[:80]), "maildir.long-name", errors.New("a file name is longer than 255 bytes"))
	}
	var mark byte
	if isNew {
		mark = inNew
	}
	time, rest := leadingTime(name)
	if len(rest) < len(name) {
		mark |= elided
	}
	before, host, after := splitHost(rest)
	id := x.hostID(host)
	if id == 0 {
		before, after = rest, nil
	}
	size := 3 + len(before) + len(after)
	last := len(x.chunks) - 1
	if last < 0 || len(x.chunks[last])+size > chunkSize {
		if len(x.chunks) >= 1<<(32-chunkBits) {
			return failure.New(failure.TooLarge, "list messages", "", "maildir.index", errors.New("the names in the folder take more than 4 GB"))
		}
		x.chunks = append(x.chunks, make([]byte, 0, chunkSize))
		last++
	}
	at := last<<chunkBits | len(x.chunks[last])
	c := x.chunks[last]
	c = append(c, byte(len(before)+len(after)), mark, id)
	c = append(c, before...)
	x.chunks[last] = append(c, after...)
	x.entries = append(x.entries, entry{time: time, at: uint32(at)})
	return nil
}

// leadingTime takes the number off that a name begins with. Names without one
// sort first, those with one that is too large sort last; both keep it.
func leadingTime(name []byte) (uint32, []byte) {
	n := 0
	for n < len(name) && name[n] >= '0' && name[n] <= '9' {
		n++
	}
	if n == 0 {
		return 0, name
	}
	v, err := strconv.ParseUint(string(name[:n]), 10, 64)
	switch {
	case err != nil || v >= math.MaxUint32:
		return math.MaxUint32, name
	case name[0] == '0' && n > 1:
		return uint32(v), name
	}
	return uint32(v), name[n:]
}

// splitHost finds the host in ".M20048P30256.mail.example.org,S=4321:2,S".
func splitHost(rest []byte) (before, host, after []byte) {
	if len(rest) == 0 || rest[0] != '.' {
		return rest, nil, nil
	}
	i := bytes.IndexByte(rest[1:], '.')
	if i < 0 {
		return rest, nil, nil
	}
	i += 2
	n := bytes.IndexAny(rest[i:], ",:;!")
	if n < 0 {
		n = len(rest) - i
	}
	return rest[:i], rest[i : i+n], rest[i+n:]
}

// hostID is the number of a host, 0 for one that is stored in full.
func (x *index) hostID(host []byte) byte {
	if len(host) == 0 {
		return 0
	}
	if id, ok := x.hostIDs[string(host)]; ok {
		return id
	}
	if len(x.hosts) >= maxHosts {
		return 0
	}
	x.hosts = append(x.hosts, string(host))
	id := byte(len(x.hosts))
	x.hostIDs[string(host)] = id
	return id
}

// name appends the name of an entry to buf.
func (x *index) name(e entry, buf []byte) (name []byte, isNew bool) {
	record := x.chunks[e.at>>chunkBits][e.at&(chunkSize-1):]
	length, mark, id := int(record[0]), record[1], record[2]
	rest := record[3 : 3+length]
	if mark&elided != 0 {
		buf = strconv.AppendUint(buf, uint64(e.time), 10)
	}
	if id != 0 {
		i := 2 + bytes.IndexByte(rest[1:], '.')
		buf = append(buf, rest[:i]...)
		buf = append(buf, x.hosts[id-1]...)
		rest = rest[i:]
	}
	return append(buf, rest...), mark&inNew != 0
}

// file is the n-th name.
func (x *index) file(n int) fileName {
	var buf [maxDirName + 1]byte
	name, isNew := x.name(x.entries[n], buf[:0])
	return fileName{name: string(name), inNew: isNew}
}

// base is name up to its flags, without making strings of it.
func base(name []byte) []byte {
	i := bytes.LastIndex(name, []byte("2,"))
	if i < 1 {
		return name
	}
	if name[i-1] == ':' {
		return name[:i-1]
	}
	if name[i-1] != ';' && name[i-1] != '!' {
		return name
	}
	b, _, _ := splitName(string(name))
	return name[:len(b)]
}

// compareBases orders names by their bytes, but digits by the number that they
// make: Dovecot writes "M9" and "M10" microseconds within one second.
func compareBases(a, b []byte) int {
	l, r := a, b
	for len(l) > 0 && len(r) > 0 {
		if isDigit(l[0]) && isDigit(r[0]) {
			x, y := number(&l), number(&r)
			if len(x) != len(y) {
				return len(x) - len(y)
			}
			if c := bytes.Compare(x, y); c != 0 {
				return c
			}
			continue
		}
		if l[0] != r[0] {
			return int(l[0]) - int(r[0])
		}
		l, r = l[1:], r[1:]
	}
	if len(l) != len(r) {
		return len(l) - len(r)
	}
	return bytes.Compare(a, b) // numbers that differ in leading zeros alone
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// number takes the number off that s begins with, without leading zeros.
func number(s *[]byte) []byte {
	n := 0
	for n < len(*s) && isDigit((*s)[n]) {
		n++
	}
	digits := (*s)[:n]
	*s = (*s)[n:]
	return bytes.TrimLeft(digits, "0")
}

// find looks a key up: the base of a file's name, or the whole name behind
// "cur/" or "new/" where a base is there twice.
func (x *index) find(key string) (fileName, bool) {
	if part, name, ok := strings.Cut(key, "/"); ok {
		ours := (part == "cur" || part == "new") && name != "" && name[0] != '.' && !strings.ContainsAny(name, "/\\\x00")
		return fileName{name: name, inNew: part == "new"}, ours
	}
	want := []byte(key)
	time, _ := leadingTime(want)
	var buf [maxDirName + 1]byte
	n, found := slices.BinarySearchFunc(x.entries, want, func(e entry, want []byte) int {
		if e.time != time {
			return int(int64(e.time) - int64(time))
		}
		name, _ := x.name(e, buf[:0])
		return compareBases(base(name), want)
	})
	if !found {
		return fileName{}, false
	}
	return x.file(n), true
}

// each calls f with every name in order and the key of its message, until f
// returns false.
func (x *index) each(f func(key string, file fileName) bool) {
	last := ""
	for n := range x.entries {
		file := x.file(n)
		key, _, _ := splitName(file.name)
		if key == last && n > 0 {
			// A message that was copied by hand: both are messages.
			key = strings.TrimPrefix(file.path(""), "/")
		} else {
			last = key
		}
		if !f(key, file) {
			return
		}
	}
}
