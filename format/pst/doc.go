// Package pst reads Outlook's personal folders (.pst) and offline folders (.ost)
// after [MS-PST]: the ANSI files of Outlook 97 to 2002, Unicode files, and the
// files with pages of 4 kB that Outlook writes since 2013, in each of their
// encryptions. A password keeps nobody out, since it is a number in the file and
// encrypts nothing; Info tells that there is one.
//
// Folders come from the hierarchy tables and from the tree of nodes, items from
// the contents tables and from the tree of nodes: a table alone may be behind,
// and what only one of the two knows is said to be so.
//
// Damage costs what it hit and no more. A wrong checksum is a defect of what was
// read; an item that cannot be read is an error with its node and its folder,
// and the listing goes on. With Options.Recover the file is searched for pages
// when its trees are broken, and for items whose folder is gone.
//
// Memory does not grow with the file; bodies and attachments are mapi.Data that
// reads block after block. A File may be used by several goroutines.
package pst
