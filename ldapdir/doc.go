// Package ldapdir makes and reads people in directories that speak LDAP:
// accounts, contacts and groups with their addresses, for a migration whose mail
// goes to a server that takes its users from such a directory. How each kind of
// directory keeps people is in package people.
//
// Two rules go before everything else. An entry that this migration did not make
// is never taken for one that it made: each entry carries a marker with a token
// that only the migration's ledger knows. And an entry that was made is not
// written to again: what people changed in it since stays.
package ldapdir
