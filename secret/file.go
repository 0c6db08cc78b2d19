package secret

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"waybill/failure"
)

// maxBytes bounds a secret; the longest that are known are keys and tokens of a
// few kilobytes.
const maxBytes = 64 << 10

// othersMayTouch are the modes by which group or others read or write a file.
const othersMayTouch fs.FileMode = 0o066

// path is the file's name, with the home folder where it begins with "~/": a
// shell leaves that alone behind "file:".
func (r Ref) path() string {
	if rest, ok := strings.CutPrefix(r.place, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return r.place
}

// readFile gives the file, or the beginning of one that is too large.
func (r Ref) readFile() ([]byte, error) {
	info, err := os.Stat(r.path())
	if err != nil {
		return nil, r.fileError(err)
	}
	// A pipe or a device would be waited for without end.
	if !info.Mode().IsRegular() {
		return nil, r.fail(failure.Usage, "secret.file", errors.New("it is no ordinary file"))
	}
	f, err := os.Open(r.path())
	if err != nil {
		return nil, r.fileError(err)
	}
	defer func() { _ = f.Close() }()
	// Again, of the file that is open: the name may mean another one by now.
	if info, err = f.Stat(); err != nil {
		return nil, r.fileError(err)
	}
	if mode := info.Mode().Perm(); mode&othersMayTouch != 0 && runtime.GOOS != "windows" && runtime.GOOS != "plan9" {
		return nil, r.fail(failure.Usage, "secret.mode", fmt.Errorf("others than its owner may read or write it (mode %04o)", mode)).
			WithRemedy("chmod 600 " + r.place)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, r.fileError(err)
	}
	return raw, nil
}

func (r Ref) fileError(err error) error {
	class := failure.ClassOf(err)
	if class == failure.Vanished {
		class = failure.Usage
	}
	return r.fail(class, "secret.file", err)
}

func firstLine(raw []byte) string {
	if i := bytes.IndexByte(raw, '\n'); i >= 0 {
		raw = raw[:i]
	}
	return string(bytes.TrimSuffix(raw, []byte("\r")))
}

// Replace writes another secret to a file: reference, whole or not at all; the
// file's owner alone may read it. done is false where the reference is of
// another kind and nothing was changed.
func (r Ref) Replace(v Value) (done bool, err error) {
	if r.kind != "file" {
		return false, nil
	}
	// The folder of the file itself, where the name is a link to it.
	name, err := filepath.EvalSymlinks(r.path())
	if err != nil {
		return false, r.fileError(err)
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".secret-*") // mode 0600
	if err != nil {
		return false, r.fileError(err)
	}
	_, err = f.WriteString(v.Reveal() + "\n")
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return false, r.fileError(err)
	}
	return true, nil
}
