package mapiitem

import "waybill/format/mapi"

// Properties of messages that only this package asks for ([MS-OXPROPS] 2).
const (
	flagStatus              mapi.ID = 0x1090
	importance              mapi.ID = 0x0017
	sensitivity             mapi.ID = 0x0036
	sentRepresentingName    mapi.ID = 0x0042
	startDate               mapi.ID = 0x0060
	endDate                 mapi.ID = 0x0061
	responseRequested       mapi.ID = 0x0063
	sentRepresentingType    mapi.ID = 0x0064
	sentRepresentingAddress mapi.ID = 0x0065
	searchKey               mapi.ID = 0x300B
	senderSMTPAddress       mapi.ID = 0x5D01
	sentRepresentingSMTP    mapi.ID = 0x5D02
	recipientFlags          mapi.ID = 0x5FFD
	recipientTrackStatus    mapi.ID = 0x5FFF
	attachmentFlags         mapi.ID = 0x7FFD
	exceptionReplaceTime    mapi.ID = 0x7FF9
	attachmentContactPhoto  mapi.ID = 0x7FFF
	attachLongPathname      mapi.ID = 0x370D
)

// Property identifiers in their sets ([MS-OXPROPS] 2, PidLid...). Those of
// contacts are in the tables of contact.go.
const (
	// PSETID_Common
	lidReminderDelta   = 0x8501
	lidReminderTime    = 0x8502
	lidReminderSet     = 0x8503
	lidPrivate         = 0x8506
	lidCommonStart     = 0x8516
	lidCommonEnd       = 0x8517
	lidMileage         = 0x8534
	lidBilling         = 0x8535
	lidCompanies       = 0x8539
	lidContacts        = 0x853A
	lidContactLinkName = 0x8586

	// PSETID_Appointment
	lidBusyStatus        = 0x8205
	lidLocation          = 0x8208
	lidStartWhole        = 0x820D
	lidEndWhole          = 0x820E
	lidDuration          = 0x8213
	lidColor             = 0x8214
	lidSubType           = 0x8215
	lidRecur             = 0x8216
	lidStateFlags        = 0x8217
	lidResponseStatus    = 0x8218
	lidRecurring         = 0x8223
	lidExceptionReplace  = 0x8228
	lidRecurrencePattern = 0x8232
	lidZoneStruct        = 0x8233
	lidZoneText          = 0x8234
	lidSequence          = 0x8201
	lidCounterProposal   = 0x8257
	lidProposedStart     = 0x8250
	lidProposedEnd       = 0x8251
	lidZoneStart         = 0x825E
	lidZoneEnd           = 0x825F
	lidZoneRecur         = 0x8260
	lidMeetingURL        = 0x8209

	// PSETID_Meeting
	lidGlobalID       = 0x03
	lidCleanGlobalID  = 0x23
	lidAttendeeChange = 0x01
	lidOwnerChange    = 0x1A

	// PSETID_Task
	lidTaskStatus    = 0x8101
	lidTaskPercent   = 0x8102
	lidTaskStart     = 0x8104
	lidTaskDue       = 0x8105
	lidTaskCompleted = 0x810F
	lidTaskActual    = 0x8110
	lidTaskEstimated = 0x8111
	lidTaskRecur     = 0x8116
	lidTaskComplete  = 0x811C
	lidTaskOwner     = 0x811F
	lidTaskLastUser  = 0x8122
	lidTaskRole      = 0x8127
	lidTaskRecurring = 0x8126
	lidTaskDelegator = 0x8121
	lidTaskGlobalID  = 0x8519 // in PSETID_Common
	lidTaskDead      = 0x8109

	// PSETID_Log
	lidLogType     = 0x8700
	lidLogStart    = 0x8706
	lidLogDuration = 0x8707
	lidLogEnd      = 0x8708
	lidLogTypeText = 0x8712

	// PSETID_Note
	lidNoteColor = 0x8B00
	lidNoteWidth = 0x8B02
)
