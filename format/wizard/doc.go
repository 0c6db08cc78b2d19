// Package wizard reads and writes the small text files with which the Exchange
// Migration Wizard and the directory import of Exchange's Administrator program
// were told what to do: the user list of Microsoft Mail, the user list of IMAP
// servers, lists of account names, control files of the command line, and the
// table of recipients that directory import and export exchange.
//
// All of them are text in the code page of the machine that wrote them, or in
// Unicode. What they say stays text here; what follows from it is decided
// elsewhere.
package wizard

import "bytes"

// Limits of what a file may ask for.
const (
	// maxLine is the longest record in bytes. The attributes of a recipient, lists
	// of members included, are far below it.
	maxLine = 4 << 20
	// maxJoined bounds the lines that one record runs over, because a quotation
	// mark that is never closed would run over the whole file.
	maxJoined = 200
	// maxColumns is above the 93 attributes of the Exchange CD's own sample (KB
	// Q168716) and every header that is known.
	maxColumns = 1000
	// maxFaults is how many faults of one file are reported.
	maxFaults = 100
)

// Kind is what a table is.
type Kind uint8

// The kinds of tables.
const (
	OtherTable Kind = iota
	UserListTable
	IMAPListTable
	DirectoryTable
)

// Sniff tells from the beginning of a file what table it is.
func Sniff(head []byte) Kind {
	l := newLines("", bytes.NewReader(head), Standard().Page)
	for n := 0; n <= maxPreamble; n++ {
		line, err := l.next()
		switch {
		case err != nil:
			return OtherTable
		case IsUserList(line):
			return UserListTable
		case IsIMAPList(line):
			return IMAPListTable
		case n == 0 && IsDirectory(line, Dialect{}):
			return DirectoryTable
		}
	}
	return OtherTable
}
