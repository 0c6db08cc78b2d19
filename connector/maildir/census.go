package maildir

import (
	"context"
	"errors"
	"path/filepath"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
	"waybill/mail"
)

// Census counts names. The sizes are asked for only when it must be exact;
// otherwise they come from the names, where all of them tell. The first that
// does not ends the counting: half an answer is not worth reading the rest of a
// large directory, and whoever compares states needs none.
func (b *sourceBox) Census(ctx context.Context, path mail.Path, exact bool) (connector.Census, error) {
	f, err := b.folder(ctx, path)
	if err != nil {
		return connector.Census{}, err
	}
	// The state is taken first: a change while counting makes the next one differ.
	c := connector.Census{State: b.state(f)}
	if exact {
		c.Bytes, c.Messages, err = b.measure(ctx, f)
		return c, err
	}
	for _, part := range []string{"cur", "new"} {
		scan, err := files.OpenScan(filepath.Join(f.dir, part))
		if err != nil {
			if failure.ClassOf(err) == failure.Vanished {
				continue
			}
			return connector.Census{}, err
		}
		err = scan.Each(ctx, func(name []byte) error {
			if name[0] == '.' {
				return nil
			}
			size, ok := hintedSize(string(base(name)))
			if !ok {
				return errUnsized
			}
			c.Messages++
			c.Bytes += size
			return nil
		})
		_ = scan.Close()
		if errors.Is(err, errUnsized) {
			c.Messages, c.Bytes = -1, -1
			return c, nil
		}
		if err != nil {
			return connector.Census{}, err
		}
	}
	return c, nil
}

// errUnsized ends a count at a name that does not tell the message's size.
var errUnsized = errors.New("a name does not tell the size")

func (b *sourceBox) measure(ctx context.Context, f folder) (bytes, messages int64, err error) {
	lerr := b.list(ctx, f, func(m mail.Message, err error) bool {
		messages++
		if err == nil && m.Size >= 0 {
			bytes += m.Size
		} else if size, ok := hintedSize(m.Key); ok {
			bytes += size
		}
		return true
	})
	return bytes, messages, lerr
}

// state is a word for the times of everything that a change to the folder
// touches. A new name, a removed one and a change of flags all change the time
// of cur or new; it is the time's tick that may hide the second of two changes,
// so a young time is no proof of anything.
func (b *sourceBox) state(f folder) string {
	return files.State(b.opt.now(), filepath.Join(f.dir, "cur"), filepath.Join(f.dir, "new"), filepath.Join(f.dir, keywordsFile))
}
