// Package migfile reads and writes the migration files of the Exchange
// Migration Wizard: the packing list (.pkl), which names the code page and the
// other files; primary files (.pri) with the sections DIRECTORY, PAB and
// MAILMESSAGE, one line of comma-separated values per object or message; and
// secondary files (.sec) with bodies and attachments, found by byte offset.
//
// The readers take any line end, comments, continued lines, line breaks inside
// quotation marks, columns in any order and rows that are too short. A line that
// breaks a rule costs that line and no other; a section that cannot be
// understood ends at the next section. Every error names file, line and byte
// offset and a stable rule, and where the Wizard had an event for the same
// trouble, its number.
//
// Nothing is held in memory but one record at a time, and no length, offset or
// name in a file is believed before it was checked.
package migfile
