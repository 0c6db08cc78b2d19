package msmail

import (
	"strings"

	"waybill/inspect"
)

// rule is what is to be said of a finding besides its own words.
type rule struct {
	severity inspect.Severity
	// plain says the same without names and words of people.
	plain  string
	remedy string
}

const (
	restore = "restore the file from a backup into a copy of the postoffice"
	rebuild = "let ACCTONME or the postoffice's ADMIN program rebuild the list, on a copy"
	lists   = "export the list with IMPORT -X, correct it, and import it again; or correct the target afterwards"
)

// rules are all rules that msmail.Postoffice.Check reports.
var rules = map[string]rule{
	"msmail.access-step":          {inspect.Fault, "the ACCESS files have different numbers of records", "restore all three ACCESS files from one backup; until then users may be mixed up"},
	"msmail.access-missing":       {inspect.Fault, "a user of the address list is not in ACCESS2.GLB", "look the user up in ADMIN; delete and make the entry anew where it is stale"},
	"msmail.nme-missing":          {inspect.Fault, "a user of ACCESS2.GLB with a mailbag is not in the address list", rebuild},
	"msmail.hexid-duplicate":      {inspect.Fault, "two users have one mailbag", "sort out by hand whose mail lies in the mailbag; Waybill gives it to the first and names the second"},
	"msmail.file-missing":         {inspect.Fault, "a file of the directory is missing", restore},
	"msmail.list-empty":           {inspect.Fault, "the postoffice's address list is empty; its shadow is read instead", "copy ADMINSHD.NME over ADMIN.NME, on a copy"},
	"msmail.shadow":               {inspect.Warning, "a list and its shadow differ", "REBUILD makes the shadow anew; compare both before"},
	"msmail.size":                 {inspect.Warning, "a file's size breaks its rule", restore},
	"msmail.xtn-stray":            {inspect.Note, "stray bytes behind the last record", ""},
	"msmail.tid-zero":             {inspect.Warning, "an entry has no tuple id", lists},
	"msmail.tid-duplicate":        {inspect.Warning, "two entries have one tuple id; members of groups may be mixed up", lists},
	"msmail.tid-ahead":            {inspect.Warning, "an entry's tuple id is above the last one that was given out", lists},
	"msmail.alias-blank":          {inspect.Warning, "an entry has type 0", lists},
	"msmail.alias-duplicate":      {inspect.Warning, "two entries have one name", lists},
	"msmail.netpo-pointer":        {inspect.Warning, "the address of an external entry is not where the list says", lists},
	"msmail.mailbox-name":         {inspect.Warning, "a mailbox name has characters that no address can hold", "give the account another name in the user map"},
	"msmail.network-name":         {inspect.Warning, "a network's name has characters that no address can hold", ""},
	"msmail.network-record":       {inspect.Warning, "a record of NETWORK.GLB is shifted or broken", restore},
	"msmail.group-reset":          {inspect.Warning, "GROUP.GLB is empty and there are groups; their short addresses are lost", restore},
	"msmail.grp-cycle":            {inspect.Warning, "the members of a group form a circle", lists},
	"msmail.grp-pointer":          {inspect.Warning, "the members of a group lead nowhere", lists},
	"msmail.grp-shared":           {inspect.Warning, "groups share their members' lists", lists},
	"msmail.grp-dangling":         {inspect.Warning, "a group has a member whom the list does not know", "nothing is lost if the member is gone for good"},
	"msmail.mem-missing":          {inspect.Warning, "a group with local members has no .MEM file; mail from outside did not reach them", ""},
	"msmail.mem-differs":          {inspect.Warning, "a group's list and its .MEM file differ", ""},
	"msmail.gateway-unread":       {inspect.Warning, "the addresses of a gateway's list cannot be read", "export them with IMPORT -X"},
	"msmail.usr-unread":           {inspect.Warning, "the users of an external postoffice cannot be read", "export them with IMPORT -X"},
	"msmail.mailbag-without-user": {inspect.Warning, "a mailbag belongs to nobody", "orphans=yes moves the mail in it as that of a user of its own"},
	"msmail.user-without-mailbag": {inspect.Fault, "a user has no mailbag", restore},
	"msmail.mbg-missing":          {inspect.Fault, "a KEY has no mailbag", restore},
	"msmail.key-missing":          {inspect.Warning, "a mailbag has no KEY; its deleted rows count as not deleted", restore},
	"msmail.key-beyond":           {inspect.Warning, "a KEY tells of rows that are not there", ""},
	"msmail.mailbag-full":         {inspect.Fault, "a mailbag is full; newer mail was turned away", "ask the senders"},
	"msmail.row-duplicate":        {inspect.Fault, "two rows of a mailbag name one message", "the message that is meant may be among the stranded ones"},
	"mbg.size":                    {inspect.Warning, "stray bytes behind the last row of a mailbag", ""},
	"mbg.file":                    {inspect.Fault, "a row names no message", ""},
	"mbg.date":                    {inspect.Note, "a row has a date that no calendar has; that of the message is used", ""},
	"mai.missing":                 {inspect.Fault, "a row names a message that is not there", "look for the file in a backup"},
	"mai.key":                     {inspect.Fault, "no key explains the strings of a message", "save the message from a client"},
	"mai.text":                    {inspect.Fault, "the text of a message does not look like text when it is decrypted", "save the message from a client"},
	"mai.string":                  {inspect.Fault, "strings of a message make no sense", "unproven=deliver moves what does make sense"},
	"msmail.key":                  {inspect.Fault, "no key explains the strings of the messages", "name code page, network and postoffice (codepage=, network=, postoffice=); please report it"},
	"msmail.key-own":              {inspect.Warning, "a message is encrypted with a key of its own", ""},
	"msmail.long-unproven":        {inspect.Warning, "how long texts are encrypted could not be settled", "unproven=deliver moves them all the same; please report it"},
	"msmail.subject":              {inspect.Warning, "mailbag and message have different subjects; the message's number may have been given out twice", ""},
	"msmail.reference-count":      {inspect.Note, "a message counts other users than there are rows", ""},
	"msmail.mai-stranded":         {inspect.Warning, "no mailbag names a message", ""},
	"msmail.att-stranded":         {inspect.Warning, "no message names an attachment", ""},
	"msmail.att-shared":           {inspect.Warning, "two messages name one attachment", ""},
	"msmail.att-empty":            {inspect.Fault, "an attachment is empty", "look for the file in a backup"},
	"att.missing":                 {inspect.Fault, "an attachment is not there", "look for the file in a backup"},
	"fld.missing":                 {inspect.Fault, "an index names a folder whose file is not there", restore},
	"fld.orphan":                  {inspect.Warning, "no index names a folder", ""},
	"fld.unreadable":              {inspect.Warning, "a folder cannot be read; export it through Outlook to a .PST, or with the File Format API", ""},
	"msmail.mmf":                  {inspect.Warning, "a message store cannot be read; export it to a .PST with its owner's password", ""},
	"msmail.cal":                  {inspect.Warning, "a calendar is not read; export it with Schedule+", ""},
	"msmail.inf":                  {inspect.Warning, "data of templates is not read; get it as text with IMPORT -X or TEMPLATE.EXE", ""},
	"msmail.undelivered":          {inspect.Fault, "mail waits for delivery in a queue", "run EXTERNAL on the postoffice before the last copy is made"},
	"msmail.twin":                 {inspect.Warning, "two files have one name in other letter case", "rename one of them in a copy of the postoffice"},
	"msmail.link":                 {inspect.Warning, "a link or device is in the postoffice; it is not followed", "put the file itself in its place, in a copy"},
	"msmail.stray-file":           {inspect.Note, "a file that no postoffice has", ""},
}

// ruleOf is what is known of a rule; what is not in the table is a broken message
// (mai.*) or a warning.
func ruleOf(name string) rule {
	if r, ok := rules[name]; ok {
		return r
	}
	if strings.HasPrefix(name, "mai.") {
		return rule{inspect.Fault, "the structure of a message is broken", "save the message from a client, or look for the file in a backup"}
	}
	return rule{severity: inspect.Warning}
}

// plainOf is the text without names; empty where the file's own name may be
// somebody's word.
func plainOf(name string, of rule) string {
	switch name {
	case "msmail.stray-file", "msmail.twin", "msmail.link":
		return ""
	}
	if of.plain == "" {
		return "the rule is broken"
	}
	return of.plain
}
