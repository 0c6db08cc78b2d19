package event

func provisionEntries() []Entry {
	return []Entry{
		{
			Code: AccountCreated, Severity: Info,
			Text:        "An account with an empty mailbox was created in the target.",
			Explanation: "The ledger remembers that this migration made it, so that a later run knows it from a stranger's account of the same name.",
			Remedy:      "Nothing needs to be done.",
			SeeAlso:     []Code{AccountExists, AccountFailed},
		},
		{
			Code: AccountExists, Severity: Info,
			Text:        "The account is there already, made by an earlier run of this ledger.",
			Explanation: "The run goes on with it. This is what a second run is meant to find.",
			Remedy:      "Nothing needs to be done.",
			Ancestors: []Ancestor{
				{ID: "162", Articles: []string{"Q152321"}, Said: "invalid Home-Server definition in the user list.",
					Difference: "The second step logged an error for users who existed already, although all had gone well."},
				{ID: "178", Articles: []string{"Q152321"}, Said: "invalid Home-Server definition for user \"Home-Server\".",
					Difference: "The same; the name in the text is the heading of a column of the user list."},
			},
			SeeAlso: []Code{AccountCreated, MatchConflict},
		},
		{
			Code: AccountFailed, Severity: Error,
			Text:        "An account could not be made in the target.",
			Explanation: "The target refused the name, an address is not unique, or a right is missing; the detail holds its words. Mail of this user is not moved, that of the others is.",
			Remedy:      "Correct the name or address in the user map, or grant the right, and run again.",
			Ancestors: []Ancestor{
				{ID: "8149", Articles: []string{"Q200564"}, Said: "unknown error on importing a line of the directory.",
					Difference: "The cause was in another event, of another source, with another number."},
				{ID: "238", Source: "MSExchangeMigDS", Articles: []string{"Q200564", "Q232618", "Q263460", "Q234665"}, Said: "an address is not unique.",
					Difference: "Directory synchronisation had made a contact of that address, sometimes a hidden one. It was also logged when the user was created without fault."},
				{ID: "162", Articles: []string{"Q152321"}, Said: "invalid Home-Server definition in the user list.",
					Difference: "It could mean a wrong server, or nothing at all."},
				{ID: "10023", Articles: []string{"Q274393"}, Said: "the container named in the control file does not exist.",
					Difference: "The container had to be spelled in a way that contradicted the samples."},
			},
			SeeAlso: []Code{MatchConflict, RightMissing},
		},
		{
			Code: ContactFailed, Severity: Error,
			Text:        "A contact could not be made in the target.",
			Explanation: "The directory of the target refused it, or holds an entry of that name with other content, which is left as it is.",
			Remedy:      "Compare both entries; remove or rename the one in the target, and run again.",
			Ancestors: []Ancestor{{ID: "7000", Articles: []string{"Q168606"}, Said: "the personal address book of the account was not migrated.",
				Difference: "One entry could cost the whole address book."}},
			SeeAlso: []Code{ListFailed, DirectoryNotCarried},
		},
		{
			Code: ListFailed, Severity: Error,
			Text:        "A distribution list could not be made in the target.",
			Explanation: "The directory of the target refused it, or holds a list of that name with other members, which is left as it is.",
			Remedy:      "Compare both lists; remove or rename the one in the target, and run again.",
			Ancestors: []Ancestor{{ID: "1052", Articles: []string{"Q214838"}, Said: "a name could not be added to a private distribution list.",
				Difference: "The list was made without it."}},
			SeeAlso: []Code{ListMemberUnknown, ContactFailed},
		},
		{
			Code: ListMemberUnknown, Severity: Warning,
			Text:        "A distribution list has a member that nothing resolves.",
			Explanation: "The member is neither a user nor a contact nor a list that is moved, and it is no address. Mail to the list would not reach it.",
			Remedy:      "Find out who was meant and add the member to the list in the target, or add the missing user or contact and run again.",
			Ancestors: []Ancestor{{ID: "1052", Articles: []string{"Q214838", "Q165319"}, Said: "a name could not be added to a list.",
				Difference: "Importing a list through the directory gave no event at all: a member with a wrong container was stored as a name without an object, and mail to it vanished."}},
			SeeAlso: []Code{ListFailed},
		},
		{
			Code: DirectoryNotCarried, Severity: Notice,
			Text:        "The target holds no contacts or no distribution lists, so those of the source stay behind.",
			Explanation: "Mailboxes and messages are moved all the same. The detail counts what is left.",
			Remedy:      "Move contacts and lists with the tools of the target's own directory if they are needed.",
			SeeAlso:     []Code{NotCarried},
		},
		{
			Code: ProvisionCommandRan, Severity: Info,
			Text:        "The operator's command for an account ran.",
			Explanation: "The detail tells how it ended and what it printed, as far as that is text and fits into 4 kB.",
			Remedy:      "Nothing needs to be done; if the account could not be made, look at what the command said.",
			SeeAlso:     []Code{AccountCreated, AccountFailed},
		},
	}
}
