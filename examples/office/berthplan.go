package office

import "encoding/binary"

// The berth plan is a drawing of 3,600 by 2,900 points, one byte each.
const (
	planWidth  = 3600
	planHeight = 2900
)

// berthPlan draws the quay of Überseehafen as the harbour office drew it: an
// uncompressed bitmap of 10 MB, large to mail and quick to compress.
func berthPlan() []byte {
	const colours = 256
	const start = 14 + 40 + 4*colours
	b := make([]byte, 0, start+planWidth*planHeight)
	b = append(b, 'B', 'M')
	b = binary.LittleEndian.AppendUint32(b, start+planWidth*planHeight)
	b = binary.LittleEndian.AppendUint32(b, 0)
	b = binary.LittleEndian.AppendUint32(b, start)
	for _, v := range []uint32{40, planWidth, planHeight, 1 | 8<<16, 0, planWidth * planHeight, 5906, 5906, colours, 0} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	for i := range colours {
		switch i {
		case 1:
			b = append(b, 0xd8, 0xc0, 0xa0, 0) // water
		case 2:
			b = append(b, 0x60, 0x70, 0x78, 0) // quay
		case 3:
			b = append(b, 0x30, 0x30, 0x90, 0) // ship
		default:
			b = append(b, byte(i), byte(i), byte(i), 0)
		}
	}
	for y := range planHeight {
		for x := range planWidth {
			b = append(b, planPoint(x, y))
		}
	}
	return b
}

// planPoint is the colour at a point: quay below, water above, nine berths with
// a ship at every second one, frame and grid.
func planPoint(x, y int) byte {
	switch berth := x / 400; {
	case x < 12 || y < 12 || x >= planWidth-12 || y >= planHeight-12, x%400 < 4 && y < 1500:
		return 0
	case y < 1100:
		return 2
	case y < 1500 && berth%2 == 0 && x%400 > 30 && x%400 < 370 && y > 1140 && y < 1140+40*(berth+2):
		return 3
	case (x+2*y)%120 == 0:
		return 255
	}
	return 1
}
