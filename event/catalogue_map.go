package event

func mapEntries() []Entry {
	return []Entry{
		{
			Code: MapUnreadable, Severity: Error,
			Text:        "The user map cannot be read.",
			Explanation: "A line has another number of columns than the heading, a quotation mark is not closed, a column has an unknown name, or the text is not UTF-8. The detail names line and column.",
			Remedy:      "Correct the line; save the file as CSV in UTF-8 with the heading user,account,name,address.",
			Ancestors: append([]Ancestor{
				{ID: "7032", Articles: []string{"Q180876"}, Said: "invalid Home-Server definition in the user list.",
					Difference: "On the command line the heading was taken for a user, and the batch failed."},
				{ID: "162", Articles: []string{"Q152321"}, Said: "invalid Home-Server definition in the user list.",
					Difference: "The same, in another release."},
				{ID: "178", Articles: []string{"Q152321"}, Said: "invalid Home-Server definition for user \"Home-Server\".",
					Difference: "The same, in another release."},
			}, tableAncestors()...),
			SeeAlso: []Code{MapUserUnknown, MapDuplicate},
		},
		{
			Code: MapUserUnknown, Severity: Error,
			Text:        "The user map names a user that the source does not have.",
			Explanation: "The name is misspelled, or the user is in another source. The other users of the map are not affected.",
			Remedy:      "Run \"waybill ls SOURCE\" and take the name from there.",
			Ancestors: []Ancestor{{ID: "7034", Articles: []string{"Q169130"}, Said: "user not found in the post office.",
				Difference: "It was also logged for users who were there, when the list came from a control file."}},
			SeeAlso: []Code{UserListEmpty, MapDuplicate},
		},
		{
			Code: MapDuplicate, Severity: Error,
			Text:        "The user map names a user twice.",
			Explanation: "Both lines cannot be right, and choosing one of them could send mail to the wrong account.",
			Remedy:      "Remove one of the lines that the detail names.",
			SeeAlso:     []Code{AccountTaken, MapUnreadable},
		},
		{
			Code: PlanUnreadable, Severity: Error,
			Text:        "The plan file cannot be read.",
			Explanation: "It is not valid YAML, or has a setting that does not exist. The detail names the line and, where one is near, the setting that may have been meant.",
			Remedy:      "Correct the line, or write a new plan with \"waybill plan\".",
			Ancestors: []Ancestor{
				{ID: "10008", Articles: []string{"Q197397"}, Said: "unneeded keyword in the control file.",
					Difference: "It complained about a keyword that the documentation asked for, and said nothing about misspelled ones."},
				{ID: "10023", Articles: []string{"Q274393"}, Said: "the container named in the control file does not exist.",
					Difference: "The samples showed a spelling that was not accepted."},
			},
			SeeAlso: []Code{PlanStale, MapUnreadable},
		},
		{
			Code: PlanStale, Severity: Error,
			Text:        "The plan file no longer fits the source or the target.",
			Explanation: "Users or accounts appeared, vanished or changed since it was made, so what was approved is not what would be done.",
			Remedy:      "Make a new plan with \"waybill plan\", compare it with the old one, and run that.",
			SeeAlso:     []Code{PlanMade, PlanUnreadable},
		},
	}
}
