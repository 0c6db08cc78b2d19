package maildir

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"waybill/connector/files"
	"waybill/failure"
)

// magic are the first bytes of what Dovecot's zlib plugin writes.
var magic = []struct {
	name  string
	bytes string
	open  func(io.Reader) (io.Reader, func(), error)
}{
	{"gzip", "\x1f\x8b", func(r io.Reader) (io.Reader, func(), error) {
		z, err := gzip.NewReader(r)
		return z, func() {}, err
	}},
	{"zstd", "\x28\xb5\x2f\xfd", func(r io.Reader) (io.Reader, func(), error) {
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	}},
	{"bzip2", "BZh", func(r io.Reader) (io.Reader, func(), error) { return bzip2.NewReader(r), func() {}, nil }},
	{"xz", "\xfd7zXZ\x00", nil},
	{"lz4", "Dovecot-LZ4\x0d\x2a\x9b\xc5", nil},
}

// maxWindow bounds the memory of a decoder.
const maxWindow = 32 << 20

const longestMagic = 15

func compression(first []byte) int {
	for i, m := range magic {
		if bytes.HasPrefix(first, []byte(m.bytes)) {
			return i
		}
	}
	return -1
}

// decompress reads a message whose file may be compressed. One that is not is
// read as it stands.
func decompress(r *files.Reader, path string) (io.ReadCloser, error) {
	first := make([]byte, longestMagic)
	n, err := io.ReadFull(r, first)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		_ = r.Close()
		return nil, err
	}
	whole := io.MultiReader(bytes.NewReader(first[:n]), r)
	u := &unpacked{from: whole, path: path, free: func() {}}
	if i := compression(first[:n]); i >= 0 {
		if u, err = unpack(whole, i, path); err != nil {
			_ = r.Close()
			return nil, err
		}
	}
	u.file = r
	return u, nil
}

// unpack decompresses from, which is compressed in the i-th way.
func unpack(from io.Reader, i int, path string) (*unpacked, error) {
	if magic[i].open == nil {
		return nil, failure.New(failure.Unsupported, "open message", path, "maildir.compression",
			fmt.Errorf("it is compressed with %s", magic[i].name)).WithRemedy("let Dovecot decompress it: doveadm copy into a mailbox without its zlib plugin's zlib_save setting")
	}
	u := &unpacked{path: path, packed: true}
	var err error
	if u.from, u.free, err = magic[i].open(from); err != nil {
		return nil, u.fail(err)
	}
	return u, nil
}

// unpacked reads a decompressed message.
type unpacked struct {
	from   io.Reader
	file   *files.Reader
	path   string
	packed bool
	free   func()
	done   int64
}

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.from.Read(p)
	u.done += int64(n)
	if err != nil && err != io.EOF { //nolint:errorlint // a wrapped EOF is damage, not the end
		err = u.fail(err)
	}
	return n, err
}

func (u *unpacked) fail(err error) error {
	var known *failure.Error
	if !u.packed || errors.As(err, &known) {
		return err
	}
	return failure.New(failure.Malformed, "read message", fmt.Sprintf("%s, offset %d of the message", u.path, u.done), "maildir.compressed-damaged", err).
		WithRemedy("restore the file from a backup")
}

// Close is called on what decompress returned; plain closes its file itself.
func (u *unpacked) Close() error {
	u.free()
	return u.file.Close()
}

// plain reads a message that does not seem to be compressed, and looks at its
// first bytes all the same. Where the name tells a size that the file has, the
// compressed form may be of the same length by chance, and both readings have
// that size. Where the name tells none, the size that was listed would be wrong,
// so that such a message is refused.
type plain struct {
	*files.Reader
	path   string
	hinted bool
	looked bool
	packed io.Reader // set when the message is compressed
	free   func()
}

func (p *plain) Read(b []byte) (int, error) {
	if p.packed != nil {
		return p.packed.Read(b)
	}
	n, err := p.Reader.Read(b)
	if p.looked || n == 0 {
		return n, err
	}
	p.looked = true
	i := compression(b[:n])
	if i < 0 || magic[i].name == "bzip2" && !p.hinted { // a header may begin with BZh
		return n, err
	}
	if !p.hinted {
		return 0, failure.New(failure.Malformed, "read message", p.path, "maildir.compressed-unmarked",
			fmt.Errorf("it begins like a file of %s, and its name does not say so", magic[i].name)).
			WithRemedy("add ?compressed=1 to the location to have such files decompressed")
	}
	u, err := unpack(io.MultiReader(bytes.NewReader(bytes.Clone(b[:n])), p.Reader), i, p.path)
	if err != nil {
		return 0, err
	}
	p.packed, p.free = u, u.free
	return p.packed.Read(b)
}

func (p *plain) Close() error {
	if p.free != nil {
		p.free()
	}
	return p.Reader.Close()
}
