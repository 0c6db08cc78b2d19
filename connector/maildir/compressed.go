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
	i := compression(first[:n])
	if i < 0 {
		return &unpacked{from: whole, file: r, path: path, free: func() {}}, nil
	}
	if magic[i].open == nil {
		_ = r.Close()
		return nil, failure.New(failure.Unsupported, "open message", path, "maildir.compression",
			fmt.Errorf("it is compressed with %s", magic[i].name)).WithRemedy("decompress it first, or let Dovecot do so: doveadm sync without its zlib plugin's save setting")
	}
	u := &unpacked{file: r, path: path, packed: true}
	if u.from, u.free, err = magic[i].open(whole); err != nil {
		_ = r.Close()
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
	if err != nil && err != io.EOF {
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

func (u *unpacked) Close() error {
	u.free()
	return u.file.Close()
}

// plain reads a message that should not be compressed. A file whose name does
// not tell a size and that looks compressed all the same would be delivered as
// rubbish, and the size of its listing would be wrong.
type plain struct {
	*files.Reader
	path   string
	looked bool
}

func (p *plain) Read(b []byte) (int, error) {
	n, err := p.Reader.Read(b)
	if !p.looked && n > 0 {
		p.looked = true
		if i := compression(b[:n]); i >= 0 && magic[i].name != "bzip2" {
			return 0, failure.New(failure.Malformed, "read message", p.path, "maildir.compressed-unmarked",
				fmt.Errorf("it begins like a file of %s, and its name does not say so", magic[i].name)).
				WithRemedy("add ?compressed=1 to the location to have such files decompressed")
		}
	}
	return n, err
}
