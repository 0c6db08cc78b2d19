package pstwrite

import "waybill/format/mapi"

// Properties that only the store itself needs ([MS-PST] 2.4.3 to 2.4.6).
const (
	searchKey      mapi.ID = 0x300B
	recordKey      mapi.ID = 0x0FF9
	displayCc      mapi.ID = 0x0E03
	displayBcc     mapi.ID = 0x0E02
	messageStatus  mapi.ID = 0x0E17
	attachSize     mapi.ID = 0x0E20
	attachNumber   mapi.ID = 0x0E21
	rendering      mapi.ID = 0x370B
	responsibility mapi.ID = 0x0E0F
	objectType     mapi.ID = 0x0FFE
	displayType    mapi.ID = 0x3900
	contentCount   mapi.ID = 0x3602
	unreadCount    mapi.ID = 0x3603
	subfolders     mapi.ID = 0x360A
	containerClass mapi.ID = 0x3613
	folderMask     mapi.ID = 0x35DF
	subtreeEntry   mapi.ID = 0x35E0
	wasteEntry     mapi.ID = 0x35E3
	finderEntry    mapi.ID = 0x35E7
	passwordSum    mapi.ID = 0x67FF
)

// The columns of the tables' templates, without the two of every table.

// hierarchyColumns are of [MS-PST] 2.4.4.4.1.
func hierarchyColumns() []mapi.Tag {
	return []mapi.Tag{0x3001001F, 0x36020003, 0x36030003, 0x360A000B, 0x0E300102, 0x0E330014, 0x0E340102,
		0x0E380003, 0x3613001F, 0x66350003, 0x66360003}
}

// contentsColumns are of [MS-PST] 2.4.4.5.1.
func contentsColumns() []mapi.Tag {
	return []mapi.Tag{0x0E170003, 0x001A001F, 0x0E070003, 0x00170003, 0x0042001F, 0x0037001F, 0x0E060040,
		0x00390040, 0x0E080003, 0x0E04001F, 0x0E03001F, 0x0057000B, 0x0058000B, 0x00360003, 0x10970003, 0x0070001F,
		0x00710102, 0x30130102, 0x65C60003, 0x30080040, 0x0E300102, 0x0E330014, 0x0E340102, 0x0E3D0102, 0x0E3C0102,
		0x0E380003}
}

// associatedColumns are of [MS-PST] 2.4.4.6.1.
func associatedColumns() []mapi.Tag {
	return []mapi.Tag{0x0E170003, 0x001A001F, 0x0E070003, 0x3001001F, 0x70030003, 0x70040102, 0x70050102,
		0x7006001F, 0x70070003, 0x6800001F, 0x6803000B, 0x68051003, 0x682F001F}
}

// searchColumns are of [MS-PST] 2.4.8.6.2.1.
func searchColumns() []mapi.Tag {
	return []mapi.Tag{0x67F10003, 0x0E05001F, 0x0E170003, 0x001A001F, 0x0E070003, 0x00170003, 0x0042001F,
		0x0037001F, 0x0E060040, 0x0E080003, 0x0E04001F, 0x0E03001F, 0x0057000B, 0x0058000B, 0x00360003, 0x0E2A000B,
		0x30080040}
}

// attachmentColumns are of [MS-PST] 2.4.6.1.1.
func attachmentColumns() []mapi.Tag {
	return []mapi.Tag{0x370B0003, 0x0E200003, 0x37050003, 0x3704001F}
}

// recipientColumns are of [MS-PST] 2.4.5.3.1.
func recipientColumns() []mapi.Tag {
	return []mapi.Tag{0x0E0F000B, 0x3002001F, 0x3003001F, 0x0FFF0102, 0x3001001F, 0x0C150003, 0x300B0102,
		0x0FF90102, 0x0FFE0003, 0x39000003, 0x3A40000B, 0x39FF001F}
}
