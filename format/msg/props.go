package msg

import (
	"encoding/binary"
	"io"
	"strconv"
	"strings"

	"waybill/format/cfb"
	"waybill/format/mapi"
)

// Bounds of one object. Outlook writes a few hundred properties, and lists of a few
// dozen values.
const (
	maxProps  = 1 << 16
	maxValues = 1 << 16
	entrySize = 16 // [MS-OXMSG] 2.4.2
)

// reading is the state of readProps.
type reading struct {
	file    *file
	node    *cfb.Node
	path    string
	props   *mapi.Props
	defects []error
}

func (r *reading) defect(rule, format string, args ...any) {
	const enough = 100
	if len(r.defects) < enough {
		r.defects = append(r.defects, malformed(r.file.name, r.path, rule, format, args...))
	}
}

// readProps reads the properties of an object: those that its property stream
// lists, and values that lie there without being listed.
func (f *file) readProps(n *cfb.Node, path string, header, codePage int) (*mapi.Props, []error) {
	r := &reading{file: f, node: n, path: path, props: mapi.NewProps(f.names, codePage)}
	r.listed(header)
	r.unlisted()
	if page := textCodePage(r.props); page != 0 {
		r.props.CodePage = page
	}
	return r.props, r.defects
}

// textCodePage is that of texts of TypeString8 ([MS-OXMSG] 2.1.1.1 leaves it open; Outlook
// writes PidTagMessageCodepage, older programs the locale).
func textCodePage(p *mapi.Props) int {
	const messageLocale = 0x3FF1
	if page, ok := p.Int(mapi.MessageCodepage); ok && page > 0 && page != 1200 {
		return int(page)
	}
	if locale, ok := p.Int(messageLocale); ok && locale > 0 {
		return mapi.LocaleCodePage(uint32(locale))
	}
	if page, ok := p.Int(mapi.InternetCodepage); ok && page > 0 {
		return int(page)
	}
	return 0
}

// listed reads the property stream.
func (r *reading) listed(header int) {
	stream := r.node.Child(propertyStream)
	if stream == nil || stream.Data == nil {
		r.defect("msg.properties", "there is no list of properties")
		return
	}
	b, err := read(stream.Data, int64(header)+maxProps*entrySize)
	if err != nil {
		r.defects = append(r.defects, err)
	}
	if len(b) < header {
		r.defect("msg.properties", "the list of properties has %d bytes", len(b))
		return
	}
	if stream.Data.Size() > int64(header)+maxProps*entrySize {
		r.defect("msg.properties", "the list of properties is longer than %d", maxProps)
	}
	for b = b[header:]; len(b) >= entrySize; b = b[entrySize:] {
		tag, bits := mapi.Tag(binary.LittleEndian.Uint32(b)), binary.LittleEndian.Uint64(b[8:])
		if tag == 0 {
			continue // padding
		}
		r.set(tag, bits)
	}
	// Streams are sometimes padded with zeros to a whole number of sectors.
	if len(strings.Trim(string(b), "\x00")) > 0 {
		r.defect("msg.properties", "%d bytes are left at the end of the list of properties", len(b))
	}
}

// set takes one entry of the list.
func (r *reading) set(tag mapi.Tag, bits uint64) {
	t := tag.Type()
	size := t.Fixed()
	switch {
	case t == mapi.TypeNull || t == mapi.TypeUnspecified:
		r.props.Set(tag.ID(), mapi.Value{Type: mapi.TypeNull})
	case size > 0 && size <= 8:
		if size < 8 {
			bits &= 1<<(8*size) - 1
		}
		r.props.Set(tag.ID(), mapi.Value{Type: t, Bits: bits})
	default:
		n := r.node.Child(valuePrefix + hex8(uint32(tag)))
		if n == nil {
			r.missing(tag, uint32(bits))
			return
		}
		r.value(tag, n, uint32(bits))
	}
}

// missing tells of a value that is listed and not there. An empty text or list
// needs no stream.
func (r *reading) missing(tag mapi.Tag, size uint32) {
	t := tag.Type()
	if t == mapi.TypeObject {
		return // Attachment.Message tells it
	}
	empty := t&mapi.Multi != 0 || size == 0 || t == mapi.TypeUnicode && size <= 2 || t == mapi.TypeString8 && size <= 1
	if !empty {
		r.defect("msg.value", "property %s is listed with %d bytes that are not there", tag, size)
		r.props.Set(tag.ID(), mapi.Value{Type: mapi.TypeError})
		return
	}
	v := mapi.Value{Type: t}
	if t&mapi.Multi == 0 {
		v.Data = mapi.Bytes(nil)
	}
	r.props.Set(tag.ID(), v)
}

// unlisted takes the values that have a stream and no entry.
func (r *reading) unlisted() {
	for _, c := range r.node.Children {
		if len(c.Name) != len(valuePrefix)+8 || !strings.EqualFold(c.Name[:len(valuePrefix)], valuePrefix) {
			continue
		}
		tag, err := strconv.ParseUint(c.Name[len(valuePrefix):], 16, 32)
		if err != nil {
			continue
		}
		if _, there := r.props.Get(mapi.Tag(tag).ID()); !there && r.props.Len() < 2*maxProps {
			r.value(mapi.Tag(tag), c, 0)
		}
	}
}

// value takes the stream or storage of a property.
func (r *reading) value(tag mapi.Tag, n *cfb.Node, listed uint32) {
	t := tag.Type()
	switch {
	case n.Data == nil:
		r.props.Set(tag.ID(), mapi.Value{Type: mapi.TypeObject})
	case t&mapi.Multi != 0:
		r.several(tag, n)
	case t == mapi.TypeUnicode:
		r.props.Set(tag.ID(), mapi.Value{Type: t, Data: withoutZero(n.Data, listed, 2)})
	case t == mapi.TypeString8:
		r.props.Set(tag.ID(), mapi.Value{Type: t, Data: withoutZero(n.Data, listed, 1)})
	case t.Fixed() > 0 && t.Fixed() <= 8:
		// Not how the format stores it, but somebody did.
		if b, err := read(n.Data, 8); err == nil && len(b) >= t.Fixed() {
			r.props.Set(tag.ID(), mapi.Value{Type: t, Bits: littleEndian(b[:t.Fixed()])})
		}
	default:
		r.props.Set(tag.ID(), mapi.Value{Type: t, Data: n.Data})
	}
}

// several reads a property with several values ([MS-OXMSG] 2.1.4).
func (r *reading) several(tag mapi.Tag, n *cfb.Node) {
	one := tag.Type() &^ mapi.Multi
	width := int64(one.Fixed()) // in the stream itself
	if width == 0 {
		width = 4 // lengths, the values have streams of their own
		if one == mapi.TypeBinary {
			width = 8
		}
	}
	if n.Data.Size() > maxValues*width || n.Data.Size() < 0 {
		r.defect("msg.values", "property %s has more than %d values", tag, maxValues)
	}
	b, err := read(n.Data, maxValues*width)
	if err != nil {
		r.defects = append(r.defects, err)
	}
	v := mapi.Value{Type: tag.Type()}
	for i := 0; int64(len(b)) >= width; b, i = b[width:], i+1 {
		switch {
		case one.Fixed() > 8:
			v.Many = append(v.Many, mapi.Value{Type: one, Data: mapi.Bytes(b[:width:width])})
			continue
		case one.Fixed() > 0:
			v.Many = append(v.Many, mapi.Value{Type: one, Bits: littleEndian(b[:width])})
			continue
		}
		c := r.node.Child(valuePrefix + hex8(uint32(tag)) + "-" + hex8(uint32(i)))
		if c == nil || c.Data == nil {
			r.defect("msg.value", "value %d of property %s is not there", i, tag)
			v.Many = append(v.Many, mapi.Value{Type: mapi.TypeError})
			continue
		}
		d := mapi.Data(c.Data)
		switch one {
		case mapi.TypeUnicode:
			d = withoutZero(d, binary.LittleEndian.Uint32(b), 2)
		case mapi.TypeString8:
			d = withoutZero(d, binary.LittleEndian.Uint32(b), 1)
		}
		v.Many = append(v.Many, mapi.Value{Type: one, Data: d})
	}
	r.props.Set(tag.ID(), v)
}

// withoutZero leaves out the zero that some writers store at the end of a text. The
// listed size counts one that is not stored ([MS-OXMSG] 2.4.2.2), so where both are
// equal it may be there.
func withoutZero(d mapi.Data, listed uint32, width int64) mapi.Data {
	if size := d.Size(); size >= width && (size == int64(listed) || listed == 0) && size <= mapi.MaxText {
		b, err := read(d, size)
		if err == nil && int64(len(b)) == size && littleEndian(b[size-width:]) == 0 {
			return cut{d, size - width}
		}
	}
	return d
}

// cut is Data without its end.
type cut struct {
	mapi.Data

	size int64
}

// Size is what is left.
func (c cut) Size() int64 { return c.size }

// Open reads what is left.
func (c cut) Open() (io.ReadCloser, error) {
	r, err := c.Data.Open()
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(r, c.size), r}, nil
}

// read reads at most limit bytes.
func read(d mapi.Data, limit int64) ([]byte, error) {
	r, err := d.Open()
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, limit))
	_ = r.Close()
	return b, err
}

func littleEndian(b []byte) (v uint64) {
	for i, c := range b {
		v |= uint64(c) << (8 * i)
	}
	return v
}

func hex8(v uint32) string {
	s := strings.ToUpper(strconv.FormatUint(uint64(v), 16))
	return "00000000"[len(s):] + s
}
