// Package outlook looks into files that Outlook and its relatives leave behind,
// and says in words what they are and how healthy: PST and OST, .msg and other
// compound files, TNEF, Outlook Express, mbox and single messages. A file is
// known by how it begins, never by its name.
package outlook
