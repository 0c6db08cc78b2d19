package mapi

// Properties that several packages ask for ([MS-OXPROPS] 2; each name there with
// PidTag before it).
const (
	MessageClass            ID = 0x001A
	Subject                 ID = 0x0037
	ClientSubmitTime        ID = 0x0039
	SubjectPrefix           ID = 0x003D
	TransportMessageHeaders ID = 0x007D
	RecipientType           ID = 0x0C15
	SenderName              ID = 0x0C1A
	SenderAddressType       ID = 0x0C1E
	SenderEmailAddress      ID = 0x0C1F
	DisplayTo               ID = 0x0E04
	MessageDeliveryTime     ID = 0x0E06
	MessageFlags            ID = 0x0E07
	MessageSize             ID = 0x0E08
	NormalizedSubject       ID = 0x0E1D
	Body                    ID = 0x1000
	RTFCompressed           ID = 0x1009
	HTML                    ID = 0x1013
	InternetMessageID       ID = 0x1035
	RowID                   ID = 0x3000
	DisplayName             ID = 0x3001
	AddressType             ID = 0x3002
	EmailAddress            ID = 0x3003
	Comment                 ID = 0x3004
	CreationTime            ID = 0x3007
	LastModificationTime    ID = 0x3008
	AttachData              ID = 0x3701
	AttachEncoding          ID = 0x3702
	AttachExtension         ID = 0x3703
	AttachFilename          ID = 0x3704
	AttachMethod            ID = 0x3705
	AttachLongFilename      ID = 0x3707
	AttachRendering         ID = 0x3709
	AttachMimeTag           ID = 0x370E
	AttachContentID         ID = 0x3712
	SMTPAddress             ID = 0x39FE
	InternetCodepage        ID = 0x3FDE
	MessageCodepage         ID = 0x3FFD
)

// Property sets of named properties ([MS-OXPROPS] 1.3.2).
var (
	PublicStrings   = GUID{0x29, 0x03, 0x02, 0x00, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}
	SetCommon       = GUID{0x08, 0x20, 0x06, 0x00, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}
	SetAppointment  = GUID{0x02, 0x20, 0x06, 0x00, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}
	SetTask         = GUID{0x03, 0x20, 0x06, 0x00, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}
	SetAddress      = GUID{0x04, 0x20, 0x06, 0x00, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}
	SetLog          = GUID{0x0A, 0x20, 0x06, 0x00, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}
	SetNote         = GUID{0x0E, 0x20, 0x06, 0x00, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}
	InternetHeaders = GUID{0x86, 0x03, 0x02, 0x00, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}
	SetMeeting      = GUID{0x90, 0xDA, 0xD8, 0x6E, 0x0B, 0x45, 0x1B, 0x10, 0x98, 0xDA, 0, 0xAA, 0, 0x3F, 0x13, 0x05}
)
