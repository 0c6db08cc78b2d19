package mapi

// Properties of messages, their recipients and attachments that become parts of
// an Internet message ([MS-OXPROPS] 2; each name there with PidTag before it).
const (
	ExpiryTime                        ID = 0x0015
	Importance                        ID = 0x0017
	OriginatorDeliveryReportRequested ID = 0x0023
	ReadReceiptRequested              ID = 0x0029
	ReplyTime                         ID = 0x0030
	ReportTime                        ID = 0x0032
	Sensitivity                       ID = 0x0036
	ReceivedByName                    ID = 0x0040
	SentRepresentingEntryID           ID = 0x0041
	SentRepresentingName              ID = 0x0042
	ReceivedRepresentingName          ID = 0x0044
	OriginalSubject                   ID = 0x0049
	OriginalSubmitTime                ID = 0x004E
	ReplyRecipientEntries             ID = 0x004F
	ReplyRecipientNames               ID = 0x0050
	SentRepresentingAddressType       ID = 0x0064
	SentRepresentingEmailAddress      ID = 0x0065
	ConversationTopic                 ID = 0x0070
	ConversationIndex                 ID = 0x0071
	ReceivedByAddressType             ID = 0x0075
	ReceivedByEmailAddress            ID = 0x0076
	ReceivedRepresentingAddressType   ID = 0x0077
	ReceivedRepresentingEmailAddress  ID = 0x0078
	NonDeliveryReportReasonCode       ID = 0x0C04
	NonDeliveryReportDiagCode         ID = 0x0C05
	SenderEntryID                     ID = 0x0C19
	SupplementaryInfo                 ID = 0x0C1B
	NonDeliveryReportStatusCode       ID = 0x0C20
	RemoteMessageTransferAgent        ID = 0x0C21
	DisplayBcc                        ID = 0x0E02
	DisplayCc                         ID = 0x0E03
	EntryID                           ID = 0x0FFF
	ReportText                        ID = 0x1001
	InternetReferences                ID = 0x1039
	InReplyToID                       ID = 0x1042
	ListHelp                          ID = 0x1043
	ListSubscribe                     ID = 0x1044
	ListUnsubscribe                   ID = 0x1045
	OriginalMessageID                 ID = 0x1046
	IconIndex                         ID = 0x1080
	LastVerbExecuted                  ID = 0x1081
	FlagStatus                        ID = 0x1090
	SearchKey                         ID = 0x300B
	AttachPathname                    ID = 0x3708
	AttachLongPathname                ID = 0x370D
	AttachContentBase                 ID = 0x3711
	AttachContentLocation             ID = 0x3713
	AttachFlags                       ID = 0x3714
	TextAttachmentCharset             ID = 0x371B
	ReadReceiptAddressType            ID = 0x4029
	ReadReceiptEmailAddress           ID = 0x402A
	ReadReceiptName                   ID = 0x402B
	SenderSMTPAddress                 ID = 0x5D01
	SentRepresentingSMTPAddress       ID = 0x5D02
	ReadReceiptSMTPAddress            ID = 0x5D05
	ReceivedBySMTPAddress             ID = 0x5D07
	ReceivedRepresentingSMTPAddress   ID = 0x5D08
	RecipientEntryID                  ID = 0x5FF7
	ReportingMessageTransferAgent     ID = 0x6820
	AddressBookProxyAddresses         ID = 0x800F
)

// Values of MessageFlags ([MS-OXCMSG] 2.2.1.6).
const (
	FlagRead   = 0x01
	FlagUnsent = 0x08
)

// Values of RecipientType ([MS-OXOMSG] 2.2.3.1), without the bits above them that say
// what became of a resent message.
const (
	RecipientOriginator = 0
	RecipientTo         = 1
	RecipientCc         = 2
	RecipientBcc        = 3
)
