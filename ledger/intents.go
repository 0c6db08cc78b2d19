package ledger

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// The first byte of an encoded list of keys tells how the rest is kept.
const (
	keysPlain byte = 0
	keysZstd  byte = 1
)

const (
	// compressFrom is the size from which a list is compressed.
	compressFrom = 1 << 10
	// maxKeysBytes bounds what a list may unpack to.
	maxKeysBytes = 256 << 20
)

var errBadKeys = errors.New("a list of keys breaks the rules of its encoding")

// keyCodec packs lists of keys: each key after its length as a varint, and all
// of that compressed when it is large. It is safe for concurrent use.
type keyCodec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newKeyCodec() (*keyCodec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, err
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxKeysBytes), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return &keyCodec{enc: enc, dec: dec}, nil
}

func (c *keyCodec) close() {
	if c != nil {
		_ = c.enc.Close()
		c.dec.Close()
	}
}

// encode packs keys. The same keys always give the same bytes.
func (c *keyCodec) encode(keys []string) []byte {
	size := 1
	for _, k := range keys {
		size += len(k) + 2
	}
	b := append(make([]byte, 0, size), keysPlain)
	for _, k := range keys {
		b = binary.AppendUvarint(b, uint64(len(k)))
		b = append(b, k...)
	}
	if len(b) < compressFrom {
		return b
	}
	if packed := c.enc.EncodeAll(b[1:], []byte{keysZstd}); len(packed) < len(b) {
		return packed
	}
	return b
}

// decode is the inverse of encode. It believes nothing of what it reads.
func (c *keyCodec) decode(b []byte) ([]string, error) {
	if len(b) == 0 {
		return nil, errBadKeys
	}
	kind, b := b[0], b[1:]
	switch kind {
	case keysPlain:
	case keysZstd:
		var err error
		if b, err = c.dec.DecodeAll(b, nil); err != nil {
			return nil, fmt.Errorf("%w: %w", errBadKeys, err)
		}
	default:
		return nil, errBadKeys
	}
	var keys []string
	for len(b) > 0 {
		n, width := binary.Uvarint(b)
		if width <= 0 || n > uint64(len(b)-width) {
			return nil, errBadKeys
		}
		keys = append(keys, string(b[width:width+int(n)]))
		b = b[width+int(n):]
	}
	return keys, nil
}

// Intents lists the open intents of a folder, oldest first.
func (l *Ledger) Intents(ctx context.Context, folder int64) ([]Intent, error) {
	var list []Intent
	err := l.each(ctx, `SELECT seq, position, keys FROM intent WHERE folder = ? ORDER BY seq`, []any{folder}, func(rows *sql.Rows) error {
		in, err := l.scanIntent(rows, folder)
		list = append(list, in)
		return err
	})
	return list, explain("list intents", l.path, err)
}

// scanIntent reads seq, position, keys, and into more if there are more columns.
func (l *Ledger) scanIntent(rows *sql.Rows, folder int64, more ...any) (Intent, error) {
	var in Intent
	var packed sql.RawBytes
	if err := rows.Scan(append([]any{&in.Seq, &in.Position, &packed}, more...)...); err != nil {
		return in, err
	}
	var err error
	if in.Keys, err = l.keys.decode(packed); err != nil {
		return in, damaged("read intent", fmt.Sprintf("%s, folder %d, intent %d", l.path, folder, in.Seq), err)
	}
	return in, nil
}
