// Package dbx reads the folder files of Outlook Express: the .dbx files of
// versions 5 and 6, Folders.dbx with the names and the order of folders among
// them, and the .mbx files of version 4.
//
// Microsoft never published the formats. What is known was found out by others,
// above all by Arne Schloh ("OE dbx file format", cited as [oedbx] with the name
// of the page), and by Jeff Evans and Arne Schloh for version 4 ("MBX Outlook
// Express (IE4)", cited as [oembx]); it was checked on real files.
//
// A .dbx file holds objects, each marked with its own offset, which is what
// damage shows by. A tree lists the messages; each has an object with what is
// known of it, and a chain of segments of 512 bytes with its text. Texts stream
// from their segments. Whatever offsets, lengths and counts say, no more is read
// than the file has, chains and trees end, and a segment belongs to one message.
//
// What the tree has lost, and what was deleted and not yet overwritten, can be
// looked for in the whole file (Stranded).
package dbx
