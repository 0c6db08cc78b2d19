package event

// grantEntries are what else preflight finds out: whose mailbox a logon reaches,
// what fits, and the rights that are given for the time of a run.
func grantEntries() []Entry {
	return []Entry{
		{
			Code: SameMailbox, Severity: Error,
			Text:        "Two logons that should reach two mailboxes reach the same one.",
			Explanation: "The server let the operator in and gave its own mailbox, or one mailbox has two names. Everybody's mail would be put into one mailbox, or one mailbox's mail would be taken for everybody's, and nothing would show it.",
			Remedy:      "Look at how the run logs on: the way of authentication in the system's name, the separator of master users, and whether the server accepts the name that follows it; correct the user map if one mailbox has two names.",
			Ancestors: []Ancestor{{ID: "7017", Articles: []string{"Q186742"}, Said: "could not log on to the message store for the account.",
				Difference: "A mailbox was found by its alias; when that belonged to somebody else, the wrong one was filled."}},
			SeeAlso: []Code{LogonFailed, MatchConflict},
		},
		{
			Code: SourceDenied, Severity: Error,
			Text:        "The source does not let a mailbox or a folder be read.",
			Explanation: "A right to read is missing. Some servers say then that the folder does not exist; that is never taken for an empty one, because the mail in it would be lost without a word.",
			Remedy:      "Grant the right that is named, or go on without the users concerned (--yes).",
			SeeAlso:     []Code{PreflightRefused, MailboxUnreadable, FolderUnreadable},
		},
		{
			Code: NoRoom, Severity: Error,
			Text:        "A mailbox of the target has not the room for the mail that is to come.",
			Explanation: "Its quota, less what is in use already, is smaller than what the plan counts for this user. The run would stop in the middle of the mailbox.",
			Remedy:      "Raise the quota, or go on all the same (--yes): what does not fit is then refused message by message.",
			SeeAlso:     []Code{TargetFull, PreflightRefused},
		},
		{
			Code: MessagesTooLarge, Severity: Warning,
			Text:        "The source has messages that are larger than what the target takes.",
			Explanation: "Each of them will be refused by itself, with the server's words, and listed in the waybill; all others are moved.",
			Remedy:      "Raise the target's limit for one message before the run, or tell the users what stays behind.",
			SeeAlso:     []Code{MessageRefused},
		},
		{
			Code: RightGranted, Severity: Notice,
			Text:        "A right was given for the time of the run.",
			Explanation: "The operator said that this may be done (--grant). The ledger holds what was there before, and the end of the run puts it back, also after a crash.",
			Remedy:      "Nothing needs to be done.",
			SeeAlso:     []Code{RightWithdrawn, GrantLeft},
		},
		{
			Code: RightWithdrawn, Severity: Notice,
			Text:        "A right that was given for the time of a run was taken back.",
			Explanation: "What was there before is there again.",
			Remedy:      "Nothing needs to be done.",
			SeeAlso:     []Code{RightGranted, GrantLeft},
		},
		{
			Code: GrantLeft, Severity: Error,
			Text:        "A right that was given for the time of a run could not be taken back.",
			Explanation: "The server did not answer, or does not permit it any more. The ledger still holds it, and every run and preflight with this ledger tries again before anything else.",
			Remedy:      "Run \"waybill preflight\" with the same ledger, or take the right back by hand as the detail says.",
			SeeAlso:     []Code{RightGranted, RightWithdrawn},
		},
		{
			Code: MailboxesTried, Severity: Info,
			Text:        "Preflight goes through the mailboxes.",
			Explanation: "The detail counts those that are done; each gets a canary, which is removed again.",
			Remedy:      "Nothing needs to be done.",
			SeeAlso:     []Code{PreflightPassed},
		},
	}
}
