package event

func systemEntries() []Entry {
	return []Entry{
		{
			Code: SourceMissing, Severity: Error,
			Text:        "A file or directory of a system is not there.",
			Explanation: "The location is wrong, a volume is not mounted, or a set of files is incomplete. A missing part is an error and never an empty mailbox.",
			Remedy:      "Check the path in the detail and whether the volume is mounted; complete the set of files.",
			Ancestors: []Ancestor{
				{ID: "12010", Articles: []string{"Q236176"}, Said: "a session with Notes could not be opened for want of ntsmig.ini.",
					Difference: "The Wizard needed other programs and their settings on the same machine; this program needs none."},
				{ID: "1004", Articles: []string{"Q186740", "Q194869", "Q229314"}, Said: "EXPORT.EXE failed, with its command line.",
					Difference: "A helper program did not bear the names of folders and post offices that it was given."},
			},
			SeeAlso: []Code{UserListEmpty, SourceDamaged},
		},
		{
			Code: SourceDamaged, Severity: Error,
			Text:        "A file of the source breaks a rule of its format.",
			Explanation: "The detail names the file, the offset and the rule. What can still be read with certainty is moved; what cannot is listed.",
			Remedy:      "Restore the file from a backup, or repair a copy of it with the tools of its own system; then run again.",
			Ancestors: []Ancestor{
				{ID: "8059", Articles: []string{"Q166612"}, Said: "invalid heading of a secondary section.",
					Difference: "Reading could not find back to the next section."},
				{ID: "8005", Articles: []string{"Q166612"}, Said: "error in the secondary file, some data may be lost.",
					Difference: "Which data was for the operator to find out."},
				{ID: "8054", Articles: []string{"Q166612"}, Said: "error reading the secondary file, 0x8042063C.",
					Difference: "No rule was named."},
				{ID: "8030", Articles: []string{"Q214822"}, Said: "wrong number of fields in the heading of an address book.",
					Difference: "The heading had been written by the Wizard's own extractor."},
				{ID: "8094", Articles: []string{"Q166612"}, Said: "internal error of the parser, 0x80420633.",
					Difference: "Bad input was presented as a fault of the program."},
				{ID: "8095", Articles: []string{"Q166612"}, Said: "error in the processing of a line, 0x80420664.",
					Difference: "It followed 8094 and said no more."},
				{ID: "27", Articles: []string{"Q154099"}, Said: "characters after a closing quotation mark.",
					Difference: "The Wizard's writer quoted lists in a way that its own reader refused."},
				{ID: "8124", Articles: []string{"Q214822", "Q256199"}, Said: "bad section, the remainder is skipped.",
					Difference: "One bad line cost all that followed."},
			},
			SeeAlso: []Code{MessageQuarantined, FolderUnreadable},
		},
		{
			Code: SystemUnknown, Severity: Error,
			Text:        "There is no connector for a system of this name.",
			Explanation: "The word before the colon of a location names the system, and this program does not have one so called.",
			Remedy:      "Use one of the names that docs/systems.md lists, such as maildir:, mbox:, imaps:// or site:.",
			SeeAlso:     []Code{SourceMissing},
		},
		{
			Code: SystemLocked, Severity: Error,
			Text:        "A system or file is locked by somebody else.",
			Explanation: "A mail program or server is using it. Reading beside it could give half-written mail.",
			Remedy:      "Close the program that the detail names, or move from a copy or snapshot; then run again.",
			Ancestors: []Ancestor{
				{ID: "7007", Articles: []string{"Q168606"}, Said: "the message file of the account was not migrated.",
					Difference: "A running client and a changed password could not be told apart."},
				{ID: "135", Articles: []string{"Q199980"}, Said: "could not migrate the message file for the account.",
					Difference: "The number in release 4.0 for the same."},
				{ID: "151", Articles: []string{"Q199980"}, Said: "could not migrate the message file for the account.",
					Difference: "The number in release 4.0 for the same."},
			},
			SeeAlso: []Code{MailboxUnreadable, LedgerHeld},
		},
	}
}
