// Package msg reads .msg files ([MS-OXMSG]): one message of Outlook, with its
// recipients, attachments and embedded messages, in a compound file.
//
// A Message is a mapi.Message. Nothing of unbounded size is read before it is
// asked for. What is damaged is told by Defects, or by the error that comes
// beside what could be read.
package msg
