// Package sample makes PST files whose content is known: mail with texts, HTML and
// RTF, attachments, embedded messages, contacts, appointments, tasks, notes, in
// nested folders. The same options give the same file on every machine. It is for
// tests and measurements only, and all of it is invented.
package sample
