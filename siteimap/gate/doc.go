// Package gate stands between the network and go-imap's IMAP server. It bounds
// what a command may be, reads over refused literals, so that their bytes never
// become commands, begins TLS, and waits as long as something moves.
package gate
