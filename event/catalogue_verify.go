package event

func verifyEntries() []Entry {
	return []Entry{
		{
			Code: MessageVerified, Severity: Info,
			Text:        "A message is proven: it was read back and its content, folder, date and flags agree.",
			Explanation: "This is written only when every step is asked for; the waybill counts such messages in any case.",
			Remedy:      "Nothing needs to be done.",
			SeeAlso:     []Code{VerifyPassed},
		},
		{
			Code: VerifyMismatch, Severity: Error,
			Text:        "A message read back from the target differs from the one in the source.",
			Explanation: "The detail says in what: bytes, date, flags or keywords. Either something on the way changed it, or it was changed in the target since.",
			Remedy:      "Compare both with \"waybill cat\"; look for filters and virus scanners in front of the target. If users work in the target already, changed flags are theirs.",
			SeeAlso:     []Code{CanaryDiffers, VerifyMissing},
		},
		{
			Code: VerifyMissing, Severity: Error,
			Text:        "A message that was delivered is not in the target any more.",
			Explanation: "The ledger holds the receipt, and reading back finds nothing. It was deleted or moved in the target, or the target lost it.",
			Remedy:      "Ask the user and look for rules that move or expire mail. Run \"waybill verify\" again after the cause is known.",
			SeeAlso:     []Code{VerifyMismatch, MailboxHollow},
		},
		{
			Code: MailboxHollow, Severity: Error,
			Text:        "A mailbox with mail in the source has none in the target.",
			Explanation: "Whatever the single steps returned, a mailbox that was created and stayed empty is a failure. Usually a right is missing that lets mailboxes be filled.",
			Remedy:      "Run \"waybill preflight\" and grant what it lists; then run again for this user.",
			Ancestors: []Ancestor{{ID: "7044", Articles: []string{"Q255888"}, Said: "internal failure communicating with the MAPI spooler, code 80004005.",
				Difference: "Accounts and mailboxes were there, so it looked like success until the users opened them."}},
			SeeAlso: []Code{PreflightRefused, RightMissing},
		},
		{
			Code: ArithmeticBroken, Severity: Error,
			Text:        "The counts of a folder do not add up.",
			Explanation: "Messages found must equal those verified, quarantined, refused and skipped. If they do not, some message has no outcome, and the waybill cannot vouch for the folder.",
			Remedy:      "Run again; if it stays, report it with the ledger and report.json, because this should not happen.",
			Ancestors: []Ancestor{
				{ID: "8001", Articles: []string{"Q166612"}, Said: "totals of the import.",
					Difference: "Extraction and import counted by different rules, so differing totals were taken for normal."},
				{ID: "10003", Articles: []string{"Q166612"}, Said: "results of the extraction.",
					Difference: "Empty forums were counted here and not there."},
			},
			SeeAlso: []Code{VerifyMissing, FolderFailed},
		},
		{
			Code: VerifyPassed, Severity: Info,
			Text:        "Everything that was delivered was read back and agrees.",
			Explanation: "Each message was compared by content, folder, date and flags, as far as the target keeps them.",
			Remedy:      "Nothing needs to be done; keep the waybill.",
			Ancestors: []Ancestor{{ID: "10068", Articles: []string{"Q169130"}, Said: "overall results of extraction and import.",
				Difference: "Nothing was read back; half of a large mailbox could be missing under a summary of success."}},
			SeeAlso: []Code{ReportWritten},
		},
	}
}
