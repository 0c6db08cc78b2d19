package rtf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"waybill/failure"
)

// preset is what the dictionary holds at the beginning ([MS-OXRTFCP] 2.1).
const preset = `{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor ` +
	"MS Sans SerifSymbolArialTimes New RomanCourier" + `{\colortbl\red0\green0\blue0` + "\r\n" + `\par \pard\plain\f0\fs20\b\i\u\tab\tx`

const (
	headerSize = 16 // [MS-OXRTFCP] 2.1.3.1.1
	dictSize   = 4096

	magicCompressed   = 0x75465A4C // "LZFu"
	magicUncompressed = 0x414C454D // "MELA"
)

// decompressor is the state of [MS-OXRTFCP] 2.2, made to be read from.
type decompressor struct {
	sum   *summer
	in    *bufio.Reader
	limit int64
	err   error // sticky

	begun   bool
	stored  bool // MELA
	rawSize int64
	wantCRC uint32

	dict   [dictSize]byte
	write  int
	from   int // where the reference being copied stands
	left   int // how much of it is left
	flags  byte
	bits   int
	total  int64
	offset int64 // of the compressed bytes, header included
}

func newDecompressor(r io.Reader, limit int64) *decompressor {
	sum := &summer{r: r}
	return &decompressor{sum: sum, in: bufio.NewReaderSize(sum, 4096), limit: limit}
}

// Read decompresses into p.
func (d *decompressor) Read(p []byte) (n int, err error) {
	if d.err != nil {
		return 0, d.err
	}
	if !d.begun {
		if d.err = d.begin(); d.err != nil {
			return 0, d.err
		}
	}
	for n < len(p) && d.err == nil {
		if d.total >= d.limit {
			d.err = d.overLimit()
			break
		}
		if d.stored {
			n += d.copyStored(p[n:])
			continue
		}
		if d.left == 0 && !d.token() {
			break
		}
		b := d.dict[d.from]
		d.from = (d.from + 1) % dictSize
		d.left--
		p[n] = b
		n++
		d.put(b)
		d.total++
	}
	if n > 0 {
		return n, nil
	}
	return 0, d.err
}

// begin reads the header.
func (d *decompressor) begin() error {
	d.begun = true
	var h [headerSize]byte
	n, err := io.ReadFull(d.in, h[:])
	if err != nil {
		if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		return malformed("rtf.truncated", at(int64(n)), errors.New("the header of compressed RTF is cut off"))
	}
	compSize, magic := int64(binary.LittleEndian.Uint32(h[0:])), binary.LittleEndian.Uint32(h[8:])
	d.rawSize, d.wantCRC = int64(binary.LittleEndian.Uint32(h[4:])), binary.LittleEndian.Uint32(h[12:])
	d.offset = headerSize
	switch magic {
	case magicCompressed:
	case magicUncompressed:
		d.stored = true
	default:
		return malformed("rtf.magic", at(8), fmt.Errorf("the signature is 0x%08X, neither LZFu nor MELA", magic))
	}
	// The size counts from behind itself; the checksum is over what follows the header.
	d.sum.begin(max(compSize-headerSize+4, 0), d.in)
	d.write = copy(d.dict[:], preset)
	return nil
}

// token begins the next literal or reference; it is false at the end.
func (d *decompressor) token() bool {
	if d.bits == 0 {
		// Some writers leave the closing reference out. What is complete is good.
		if d.total == d.rawSize && d.offset >= headerSize+d.sum.span {
			return d.finish()
		}
		b, ok := d.next()
		if !ok {
			return false
		}
		d.flags, d.bits = b, 8
	}
	reference := d.flags&1 == 1
	d.flags >>= 1
	d.bits--
	if !reference {
		b, ok := d.next()
		if ok {
			d.from, d.left = d.write, 1
			d.dict[d.write] = b
		}
		return ok
	}
	high, ok := d.next()
	if !ok {
		return false
	}
	low, ok := d.next()
	if !ok {
		return false
	}
	ref := int(high)<<8 | int(low)
	d.from, d.left = ref>>4, ref&15+2
	if d.from == d.write {
		d.left = 0
		return d.finish()
	}
	return true
}

func (d *decompressor) put(b byte) {
	d.dict[d.write] = b
	d.write = (d.write + 1) % dictSize
}

// next is a byte of the compressed stream. At its end the stream is judged.
func (d *decompressor) next() (byte, bool) {
	b, err := d.in.ReadByte()
	switch {
	case err == nil:
		d.offset++
		return b, true
	case !errors.Is(err, io.EOF):
		d.err = err
	case d.total == d.rawSize:
		return 0, d.finish()
	case d.total > d.rawSize:
		return 0, d.finish()
	default:
		d.err = d.truncated()
	}
	return 0, false
}

func (d *decompressor) copyStored(p []byte) int {
	left := min(d.rawSize, d.limit) - d.total
	if left <= 0 {
		d.finish()
		return 0
	}
	n, err := d.in.Read(p[:min(int64(len(p)), left)])
	d.total += int64(n)
	d.offset += int64(n)
	if errors.Is(err, io.EOF) {
		// Some writers state the size with the rest of the header.
		if d.total+headerSize-4 != d.rawSize {
			err = d.truncated()
		}
	}
	d.err = err
	return n
}

// finish compares size and checksum; it is always false.
func (d *decompressor) finish() bool {
	d.err = io.EOF
	switch {
	case d.total < d.rawSize:
		d.err = d.truncated()
		return false
	case d.total > d.rawSize:
		d.err = malformed("rtf.size", at(d.offset), fmt.Errorf("%d bytes came out, %d were stated", d.total, d.rawSize))
		return false
	case d.stored:
		return false // [MS-OXRTFCP] 2.1.3.1.1: the checksum is not used
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(d.in, max(headerSize+d.sum.span-d.offset, 0))); err != nil {
		d.err = err
		return false
	}
	if got := d.sum.crc; got != d.wantCRC {
		d.err = malformed("rtf.crc", at(d.offset), fmt.Errorf("the checksum is 0x%08X, stated is 0x%08X", got, d.wantCRC))
	}
	return false
}

func (d *decompressor) truncated() error {
	return malformed("rtf.truncated", at(d.offset), fmt.Errorf("%d bytes came out, %d were stated", d.total, d.rawSize))
}

func (d *decompressor) overLimit() error {
	// All that was stated may be there already; then the stream ends as it should.
	if d.total == d.rawSize {
		if d.stored || !d.token() {
			if d.err == nil {
				d.finish()
			}
			return d.err
		}
	}
	return failure.New(failure.TooLarge, "decompress RTF", at(d.offset), "rtf.limit",
		fmt.Errorf("more than %d bytes come out, %d were stated", d.limit, d.rawSize))
}

func at(offset int64) string { return fmt.Sprintf("offset %d", offset) }

// summer computes the checksum of what goes through it ([MS-OXRTFCP] 2.1.3): a
// CRC-32 that begins with 0 and is not inverted.
type summer struct {
	r     io.Reader
	begun bool
	span  int64 // how many bytes the checksum is over
	left  int64 // how many of them are to come
	crc   uint32
}

func (s *summer) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if s.begun {
		s.add(p[:n])
	}
	return n, err
}

// begin starts behind the header, with what was read ahead already.
func (s *summer) begin(span int64, in *bufio.Reader) {
	s.begun, s.span, s.left = true, span, span
	b, _ := in.Peek(in.Buffered())
	s.add(b)
}

func (s *summer) add(b []byte) {
	b = b[:min(int64(len(b)), s.left)]
	s.left -= int64(len(b))
	s.crc = ^crc32.Update(^s.crc, crc32.IEEETable, b)
}
