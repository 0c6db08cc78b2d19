// Package msmail reads a postoffice of Microsoft Mail for PC Networks, 3.0 to 3.5,
// and 2.1 where it is the same: its users, groups and address lists, mailbags,
// messages with attachments, and what can be said of its folders.
//
// Nothing is ever written. Files are opened without regard to letter case, and
// never outside of the tree that was given.
//
// Most of the formats were never published. Facts are marked as documented,
// derived or hypothesis (package evidence), and what is a hypothesis is used only
// where the postoffice itself proves it: the cipher's key is derived from its own
// messages, the fields of the ACCESS files are found by comparing them with
// ADMIN.NME and the mailbags. What does not prove itself is named as unproven, with
// its raw bytes; content is never invented.
//
// Sub-packages hold the codecs: glb (directory files), mbg (mailbags), mai
// (messages and their cipher), fld (folders), importtext (the text of IMPORT.EXE
// and of templates), dos (code pages and names of files).
package msmail
