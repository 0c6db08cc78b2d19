package event

// outcomeEntries are the events about a single message on its way.
func outcomeEntries() []Entry {
	return []Entry{
		{
			Code: MessageQuarantined, Severity: Warning,
			Text:        "A message was set aside, with the rule that it breaks and the place.",
			Explanation: "It cannot be read whole from the source: it is cut off, damaged, or beyond a limit. It is listed in the waybill by user, folder, place and rule, and the next message is moved.",
			Remedy:      "Look at the message in the source with \"waybill cat\"; repair the source and run again, or tell the user that this one stays behind.",
			Ancestors: []Ancestor{
				{ID: "8005", Articles: []string{"Q166612"}, Said: "error in the secondary file, some data may be lost.",
					Difference: "It gave an offset in a temporary file instead of a message."},
				{ID: "8048", Articles: []string{"Q166612", "Q178820"}, Said: "the name of an attachment is missing.",
					Difference: "One attachment of unknown form could cost the message or hang the run."},
				{ID: "12024", Articles: []string{"Q249883"}, Said: "a number of messages were skipped because of conversion errors.",
					Difference: "They were counted and not named."},
				{ID: "4088", Articles: []string{"Q234733", "Q200250"}, Said: "a message cannot be accessed and is not migrated.",
					Difference: "It named folder and user, not the message."},
				{ID: "1011", Articles: []string{"Q233325"}, Said: "invalid date field.",
					Difference: "A date such as 2/31/99 ended the whole account."},
				{ID: "1027", Articles: []string{"Q287056"}, Said: "the size of a message came back as 0.",
					Difference: "The rest of the account was not migrated."},
				{ID: "1029", Articles: []string{"Q184391"}, Said: "invalid token in the export stream.",
					Difference: "Bytes of an attachment were taken for structure, and the rest of the account was lost."},
				{ID: "1030", Articles: []string{"Q262989"}, Said: "invalid token inside a message.",
					Difference: "The rest of the account was lost."},
			},
			SeeAlso: []Code{SourceDamaged, MessageRefused},
		},
		{
			Code: MessageRefused, Severity: Warning,
			Text:        "The target refused a message; its words are in the detail.",
			Explanation: "The message was read from the source without fault. The target does not want it: it is too large, breaks one of its rules, or carries what it does not store.",
			Remedy:      "Raise the limit in the target, or move the message by hand; run again to try once more.",
			Ancestors: []Ancestor{
				{ID: "4088", Articles: []string{"Q234733"}, Said: "a message cannot be accessed and is not migrated.",
					Difference: "The words of the refusal were not passed on."},
				{ID: "8092", Articles: []string{"Q214836"}, Said: "stream operation failure 0x80040108.",
					Difference: "It came in a one-step run only; two steps over the same mail went through."},
			},
			SeeAlso: []Code{TargetFull, MessageQuarantined},
		},
		{
			Code: MessageVanished, Severity: Notice,
			Text:        "A message was listed in the source and was gone when it was to be read.",
			Explanation: "Somebody, or a mail program, moved or deleted it in between. If it was moved to another folder it is found there.",
			Remedy:      "Run again once the source is quiet.",
			SeeAlso:     []Code{SourceChanged},
		},
	}
}
