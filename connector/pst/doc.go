// Package pst reads Outlook's personal folders (.pst) and offline folders (.ost)
// as mailboxes: one file, or a directory with files for each user. It only reads.
//
// Mail becomes Internet mail (format/mapimail); contacts, appointments, tasks,
// notes and journal entries become vCard and iCalendar (format/mapiitem), as the
// option items says.
//
// Key: the number of the item's node, which the file never gives to another item
// and which stays when the item is moved inside the file. Position: there is
// none, since nothing is delivered here. Census.State: the file's identity, times
// and length with a digest of its header, which every change to the file writes
// anew; the options that change what is listed are part of it.
//
// An item that cannot be read is an error with its key. What a folder states and
// does not have any more is one as well, so that no damage makes a folder smaller
// unseen.
package pst
