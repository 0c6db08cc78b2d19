// Package siteimap offers an embedded site over IMAP4rev1 (RFC 3501), so that any
// mail program can look at it and work in it. Commands are read and answered by
// go-imap's server; this package is what it asks.
//
// Accounts of a site have no passwords. A Server has one for all of them; the
// name to log on with is the account's ID, or ACCOUNT*OPERATOR to act with the
// rights of an operator.
//
// Sessions share nothing but the site itself: each compares the folder that it
// shows with the store, so that changes by other sessions and by other
// processes are seen in the same way. Message bytes are sent as they are stored
// and are never put together again; long ones are streamed in both directions.
//
// Package gate stands between the network and go-imap, package parts takes
// messages apart; session.go and its neighbours answer commands.
package siteimap
