// Package tnef reads TNEF ([MS-OXTNEF]): the winmail.dat that Outlook and Exchange
// put a message into when plain MIME could not hold all of it.
//
// A Message is a mapi.Message. Its properties come from the MAPI properties of the
// stream and, where these lack something, from the older attributes of Microsoft
// Mail. Contents of attachments are read from the stream when they are asked for.
package tnef
