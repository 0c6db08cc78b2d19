package event

// dsImport is the event source of Exchange's directory import.
const dsImport = "MSExchangeDSImp"

// tableAncestors are the events of directory import about tables that could not be
// read, most of which KB Q184532 lists one by one.
func tableAncestors() []Ancestor {
	return []Ancestor{
		{ID: "291", Source: dsImport, Articles: []string{"Q188649", "Q155743"}, Said: "a line has another number of fields than the heading.",
			Difference: "An editor had left out empty fields at the end of lines, and each of these lines was refused."},
		{ID: "222", Source: dsImport, Articles: []string{"Q184532"}, Said: "the column Mode has to be the second.",
			Difference: "The order of columns mattered although each of them had a name."},
		{ID: "225", Source: dsImport, Articles: []string{"Q184532"}, Said: "there is no column with the directory name.",
			Difference: "Nothing else was looked at before it was there."},
		{ID: "226", Source: dsImport, Articles: []string{"Q184532"}, Said: "the column Obj-Class has to be the first.",
			Difference: "The order of columns mattered although each of them had a name."},
		{ID: "152", Source: dsImport, Articles: []string{"Q184532"}, Said: "a column stands there twice.",
			Difference: "Two columns of classes were told with another number, or as an unknown error."},
		{ID: "264", Source: dsImport, Articles: []string{"Q170477"}, Said: "the class of a line is unknown.",
			Difference: "The cause was a second column of classes."},
		{ID: "241", Source: dsImport, Articles: []string{"Q184532"}, Said: "a value that is required was to be deleted.",
			Difference: "In the column of names the marker was taken for a name, and a user was called so."},
		{ID: "266", Source: dsImport, Articles: []string{"Q176741"}, Said: "a required value was to be deleted.",
			Difference: "In the column of names the marker was taken for a name, and a user was called so."},
	}
}

// entryAncestors are the events of directory import about entries that could not
// be made.
func entryAncestors() []Ancestor {
	return []Ancestor{
		{ID: "236", Source: dsImport, Articles: []string{"Q232618"}, Said: "an address belongs to another recipient.",
			Difference: "It was found when the line's turn came, and not before the import."},
		{ID: "235", Source: dsImport, Articles: []string{"Q169762"}, Said: "an address has a wrong form.",
			Difference: "The address was a sound one with a slash or a dollar sign in it."},
		{ID: "253", Source: dsImport, Articles: []string{"Q184532"}, Said: "the name of the account has more than 20 characters.",
			Difference: "Limits of the target showed only when the account was made."},
		{ID: "254", Source: dsImport, Articles: []string{"Q184532"}, Said: "the name of the account has characters that are not allowed.",
			Difference: "Limits of the target showed only when the account was made."},
		{ID: "169", Source: dsImport, Articles: []string{"Q184532"}, Said: "a value was cut to the length that is allowed.",
			Difference: "It was a warning, and the value was wrong from then on."},
		{ID: "286", Source: dsImport, Articles: []string{"Q167203"}, Said: "the container was not found.",
			Difference: "The path of a container was another one on every server."},
		{ID: "292", Source: dsImport, Articles: []string{"Q259503"}, Said: "a mailbox needs a home server.",
			Difference: "It was asked for although there was one server only."},
	}
}
