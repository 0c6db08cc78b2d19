// Package mapi is the model that Outlook's formats have in common: objects made
// of typed properties ([MS-OXCDATA] 2.11, [MS-OXPROPS]), messages with their
// recipients and attachments ([MS-OXCMSG]).
//
// A PST, an OST, a .msg file and a TNEF stream each give a Message; what makes
// mail, contacts and appointments of it needs to know nothing of the file. No
// property of unbounded size is held in memory: its Value says how long it is
// and opens it.
package mapi
