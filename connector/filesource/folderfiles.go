package filesource

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"iter"
	"path/filepath"
	"strings"
	"time"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

// FolderFiles are the Contents of a folder whose messages are files. A
// message's key is the path of its file below Dir, with slashes.
type FolderFiles struct {
	System string
	Dir    string
	// List lists the files of messages by their keys, in the order of delivery.
	List func(ctx context.Context) ([]string, error)
	// IsMessage reports whether a file's name is that of a message.
	IsMessage func(name string) bool
	// Begin reads what is known of the messages of the folder, such as flags in
	// a file beside them, and returns a function that describes one message:
	// info is its file. An error that comes with it concerns this message.
	Begin func(ctx context.Context) (Describe, error)
	// OpenFile opens the message in a file.
	OpenFile func(ctx context.Context, path string) (Body, error)
	// Size, when it is not nil, tells nearly how long the message in a file is,
	// where that is not the length of the file.
	Size func(ctx context.Context, path string, info files.Info) int64
	// Beside are further files that the listing depends on.
	Beside []string
}

// Describe tells of a message all but its key.
type Describe func(ctx context.Context, key, path string, info files.Info) (mail.Message, error)

func (f *FolderFiles) rule(name string) string { return f.System + "." + name }

// path finds the file of a key that may have come from anywhere.
func (f *FolderFiles) path(key string) (string, bool) {
	local := filepath.FromSlash(key)
	if key == "" || strings.ContainsAny(key, "\\\x00") || !filepath.IsLocal(local) || filepath.ToSlash(filepath.Clean(local)) != key || !f.IsMessage(filepath.Base(local)) {
		return "", false
	}
	return filepath.Join(f.Dir, local), true
}

// Messages lists the folder.
func (f *FolderFiles) Messages(ctx context.Context) iter.Seq2[mail.Message, error] {
	return func(yield func(mail.Message, error) bool) {
		describe, err := f.Begin(ctx)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		keys, err := f.List(ctx)
		if err != nil {
			yield(mail.Message{}, err)
			return
		}
		for _, key := range keys {
			m, err := f.message(ctx, key, describe)
			if m.Key == "" && err == nil || err != nil && failure.ClassOf(err) == failure.Vanished {
				continue // a directory, or gone between the two looks
			}
			if !yield(m, err) {
				return
			}
		}
	}
}

func (f *FolderFiles) message(ctx context.Context, key string, describe Describe) (mail.Message, error) {
	none := mail.Message{Key: key, Size: -1}
	path, ok := f.path(key)
	if !ok || len(key) > 255 {
		none.Key = files.Shorten(key, 255, func(s string) int { return len(s) })
		return none, failure.New(failure.Malformed, "list messages", filepath.Join(f.Dir, files.Printable(key)), f.rule("file-name"), nil).
			WithRemedy("give the file a shorter name without odd characters")
	}
	info, err := files.Stat(path)
	switch {
	case err != nil:
		return none, err
	case info.IsDir():
		return mail.Message{}, nil
	case !info.IsRegular():
		return none, files.NotRegular(path)
	}
	m, err := describe(ctx, key, path, info)
	m.Key = key
	return m, err
}

// Open opens a message's file.
func (f *FolderFiles) Open(ctx context.Context, m mail.Message) (Body, error) {
	path, ok := f.path(m.Key)
	if !ok {
		return nil, Gone(f.System, f.Dir, m.Key)
	}
	return f.OpenFile(ctx, path)
}

// Census counts files, and adds up their sizes when it must be exact. The state
// covers name, size and times of every file.
func (f *FolderFiles) Census(ctx context.Context, exact bool) (connector.Census, error) {
	keys, err := f.List(ctx)
	if err != nil {
		return connector.Census{}, err
	}
	c := connector.Census{Messages: int64(len(keys)), Bytes: -1}
	if exact {
		c.Messages, c.Bytes = 0, 0
	}
	now := time.Now()
	sum, known := sha256.New(), true
	add := func(name string, info files.Info) {
		_, _ = sum.Write([]byte(name + "\x00"))
		_ = binary.Write(sum, binary.BigEndian, []int64{int64(info.Inode), info.Size, info.ModTime.UnixNano(), info.ChangeTime.UnixNano()})
		known = known && now.Sub(info.ModTime) >= files.Youth && now.Sub(info.ChangeTime) >= files.Youth
	}
	for _, key := range keys {
		if err := ctx.Err(); err != nil {
			return connector.Census{}, files.Fail("count messages", f.Dir, f.rule("census"), err)
		}
		path := filepath.Join(f.Dir, filepath.FromSlash(key))
		info, err := files.Stat(path)
		switch {
		case err != nil && failure.ClassOf(err) == failure.Vanished, err == nil && info.IsDir():
			continue
		case err != nil:
			known = false
		}
		add(key, info)
		if exact {
			c.Messages++
			if f.Size == nil {
				c.Bytes += info.Size
			} else {
				c.Bytes += f.Size(ctx, path, info)
			}
		}
	}
	for _, path := range f.Beside {
		if info, err := files.Stat(path); err == nil {
			add(path, info)
		} else if failure.ClassOf(err) != failure.Vanished {
			known = false
		}
	}
	if known {
		c.State = hex.EncodeToString(sum.Sum(nil))
	}
	return c, nil
}
