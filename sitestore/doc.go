// Package sitestore is the embedded mail site: a directory, permissions and
// mailboxes in one SQLite file, with message bodies in segment files beside it
// (FILE.d/). It models an Exchange 5.x site (KB Q168753, Q241152): an
// organization, a site and a configuration object, each the root of a security
// context of its own, and recipients below the site.
//
// A Store is the open file; a Session is somebody working on it, and checks
// what that operator may do. Several processes may have one site open: SQLite
// keeps the index whole, and a segment file is written by one process only.
//
// A batch of messages is stored like this: bodies go to the end of a segment
// file, outside any transaction; the file is synced; then one short transaction
// adds the rows and moves the segment's committed end. A crash in between
// leaves bytes behind the committed end, which are cut off when that segment is
// written next.
//
// Package index is the SQLite file with its connections and layout, blob the
// segment files, holder the records of who has the site open, acl the roles and
// rights; what the tables mean is decided here.
package sitestore
