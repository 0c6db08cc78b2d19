package tnef

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"

	"waybill/failure"
)

// attribute is one attribute and where its data are ([MS-OXTNEF] 2.1.3).
type attribute struct {
	id   uint32 // with the type in the upper half
	data section
}

// Levels of attributes.
const (
	levelMessage    = 1
	levelAttachment = 2
)

// Attributes ([MS-OXTNEF] 2.1.3.3).
const (
	attOwner                = 0x00060000
	attSentFor              = 0x00060001
	attDelegate             = 0x00060002
	attDateStart            = 0x00030006
	attDateEnd              = 0x00030007
	attAidOwner             = 0x00040008
	attRequestRes           = 0x00040009
	attFrom                 = 0x00008000
	attSubject              = 0x00018004
	attDateSent             = 0x00038005
	attDateRecd             = 0x00038006
	attMessageStatus        = 0x00068007
	attMessageClass         = 0x00078008
	attMessageID            = 0x00018009
	attParentID             = 0x0001800A
	attConversationID       = 0x0001800B
	attBody                 = 0x0002800C
	attPriority             = 0x0004800D
	attAttachData           = 0x0006800F
	attAttachTitle          = 0x00018010
	attAttachMetaFile       = 0x00068011
	attAttachCreateDate     = 0x00038012
	attAttachModifyDate     = 0x00038013
	attDateModified         = 0x00038020
	attAttachTransportName  = 0x00069001
	attAttachRendData       = 0x00069002
	attMAPIProps            = 0x00069003
	attRecipTable           = 0x00069004
	attAttachment           = 0x00069005
	attTnefVersion          = 0x00089006
	attOemCodepage          = 0x00069007
	attOriginalMessageClass = 0x00070600
)

// attributeHeader is level, identifier and length.
const attributeHeader = 9

// scan lists the attributes and proves their checksums. The stream is read once, from its
// beginning to its end.
func (m *Message) scan(ctx context.Context, from, to int64) error {
	in := bufio.NewReaderSize(io.NewSectionReader(m.r, from, to-from), 32<<10)
	var head [attributeHeader]byte
	if n, err := io.ReadFull(in, head[:streamHeader]); err != nil {
		if n >= 4 && !Is(head[:4]) {
			return m.malformed(from, "tnef.signature", "this is no TNEF stream")
		}
		return m.ioError(from+int64(n), err)
	}
	if !Is(head[:]) {
		return m.malformed(from, "tnef.signature", "this is no TNEF stream")
	}
	at := from + streamHeader
	for count := 0; ; count++ {
		if err := ctx.Err(); err != nil {
			return m.cancelled(err)
		}
		n, err := io.ReadFull(in, head[:])
		switch {
		case errors.Is(err, io.EOF) && count > 0:
			return nil
		case err == nil:
		case count == 0 || !errors.Is(err, io.ErrUnexpectedEOF):
			return m.ioError(at, err)
		default:
			if !blank(head[:n]) {
				m.defect(m.malformed(at, "tnef.truncated", "the stream ends within the header of an attribute"))
			}
			return nil
		}
		level := head[0]
		if level != levelMessage && level != levelAttachment {
			if count == 0 {
				return m.malformed(at, "tnef.level", "the first attribute has level %d", level)
			}
			if !blank(head[:]) {
				m.defect(m.malformed(at, "tnef.level", "an attribute of level %d: %d bytes are left unread", level, to-at))
			}
			return nil
		}
		if count >= maxAttributes {
			return failure.New(failure.TooLarge, "read TNEF", m.where(at), "tnef.attributes", nil)
		}
		a := attribute{id: binary.LittleEndian.Uint32(head[1:])}
		size := int64(binary.LittleEndian.Uint32(head[5:]))
		a.data = section{source: m.source, from: at + attributeHeader, size: min(size, to-at-attributeHeader)}
		a.data.missing = size - a.data.size
		sum, err := m.sum(in, a.data)
		if err != nil {
			return err
		}
		m.take(level, a, at)
		if a.data.missing > 0 {
			m.defect(m.malformed(at, "tnef.truncated", "attribute 0x%08X states %d bytes, %d are there", a.id, size, a.data.size))
			return nil
		}
		at += attributeHeader + size + 2
		if _, err := io.ReadFull(in, head[:2]); err != nil {
			m.defect(m.ioError(at-2, err))
			return nil
		}
		if stated := binary.LittleEndian.Uint16(head[:]); stated != sum {
			m.defect(m.malformed(at-2, "tnef.checksum", "the checksum of attribute 0x%08X is 0x%04X, stated is 0x%04X", a.id, sum, stated))
		}
	}
}

// take puts an attribute where it belongs. Each attachment begins with its
// rendering data ([MS-OXTNEF] 2.1.3.3.15).
func (m *Message) take(level byte, a attribute, at int64) {
	if level == levelMessage {
		m.own = append(m.own, a)
		return
	}
	if a.id == attAttachRendData || len(m.attachments) == 0 {
		if a.id != attAttachRendData {
			m.defect(m.malformed(at, "tnef.attribute", "attribute 0x%08X of an attachment comes before its beginning", a.id))
		}
		m.attachments = append(m.attachments, nil)
	}
	last := &m.attachments[len(m.attachments)-1]
	*last = append(*last, a)
}

// sum adds the bytes of an attribute up ([MS-OXTNEF] 2.1.3).
func (m *Message) sum(in *bufio.Reader, s section) (sum uint16, err error) {
	for left := s.size; left > 0; {
		b, err := in.Peek(int(min(left, int64(in.Size()))))
		if len(b) == 0 {
			return sum, m.ioError(s.from+s.size-left, err)
		}
		for _, c := range b {
			sum += uint16(c)
		}
		left -= int64(len(b))
		_, _ = in.Discard(len(b))
	}
	return sum, nil
}

// blank tells padding, as mail programs put it behind an attachment.
func blank(b []byte) bool {
	for _, c := range b {
		if c != 0 && c != '\r' && c != '\n' && c != ' ' {
			return false
		}
	}
	return true
}
