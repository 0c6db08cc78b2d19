package sample

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"math"
	"math/rand/v2"
	"path"
	"strings"

	"waybill/format/mapi"
	"waybill/internal/pstwrite"
)

// Sizes of attachments by value, in bytes.
const (
	smallest = 1 << 10
	largest  = 5 << 20
)

// digest is the SHA-256 of an attachment, known once it was written.
type digest struct{ hash.Hash }

func (d *digest) sum() string { return hex.EncodeToString(d.Sum(nil)) }

// digestOf is the SHA-256 of a text.
func digestOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// attach adds attachments to mail, so that all together come near Options.Bytes.
// A digest is nil where the attachment was there before.
func (m *maker) attach(message *pstwrite.Message, item *Item) []*digest {
	hashes := make([]*digest, len(item.Attachments))
	if !strings.HasPrefix(item.Class, "IPM.Note") && item.Class != "IPM.Post" {
		return hashes
	}
	var sizes []int64
	due := int64(float64(m.o.Bytes)*float64(m.made+1)/float64(m.o.Messages)) - m.manifest.Total.Bytes
	if m.o.Bytes == 0 {
		for range max(0, m.r.IntN(6)-3) {
			sizes = append(sizes, m.size(128<<10))
		}
	} else {
		for len(sizes) < 12 && due > 0 {
			size := min(m.size(largest), max(due, smallest))
			sizes, due = append(sizes, size), due-size
		}
	}
	for i, size := range sizes {
		name := pick(m.r, m.words.files)
		if i > 0 {
			name = fmt.Sprintf("%d %s", i, name)
		}
		h := &digest{sha256.New()}
		hashes = append(hashes, h)
		item.Attachments = append(item.Attachments, Attachment{Name: name, Size: size})
		message.Attachments = append(message.Attachments, pstwrite.Attachment{
			Props: fileProps(name), Data: m.content(size, h),
		})
	}
	return hashes
}

// fileProps are the properties of a file.
func fileProps(name string) []pstwrite.Prop {
	props := []pstwrite.Prop{pstwrite.Text(mapi.AttachLongFilename, name), pstwrite.Text(mapi.DisplayName, name)}
	if ext := path.Ext(name); ext != "" {
		props = append(props, pstwrite.Text(mapi.AttachExtension, ext), pstwrite.Text(mapi.AttachFilename, "FILE~1"+ext))
	}
	return props
}

// size is one between smallest and most; small ones are much more frequent.
func (m *maker) size(most float64) int64 {
	return int64(smallest * math.Pow(most/smallest, m.r.Float64()))
}

// content gives size bytes: noise, as in packed files, or lines of text. It hashes
// what is read.
func (m *maker) content(size int64, h hash.Hash) func() (io.ReadCloser, error) {
	var seed [32]byte
	for i := range seed {
		seed[i] = byte(m.r.Uint32())
	}
	lines := m.r.IntN(3) == 0
	return func() (io.ReadCloser, error) {
		h.Reset()
		var r io.Reader = rand.NewChaCha8(seed)
		if lines {
			r = &repeated{text: fmt.Appendf(nil, "%x;a line of a table;with some more cells;12345\r\n", seed[:8])}
		}
		return io.NopCloser(io.TeeReader(io.LimitReader(r, size), h)), nil
	}
}

// repeated reads a text again and again.
type repeated struct {
	text []byte
	at   int
}

func (r *repeated) Read(p []byte) (n int, err error) {
	for n < len(p) {
		c := copy(p[n:], r.text[r.at:])
		n, r.at = n+c, (r.at+c)%len(r.text)
	}
	return n, nil
}
