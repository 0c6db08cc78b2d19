// Package ndb is the lowest layer of a PST or OST file, the node database
// ([MS-PST] 2.2): header, the trees of nodes and blocks, blocks with their
// checksums and their encryption, data trees of many blocks, and subnodes.
//
// Nothing in a file is believed before it was checked. The levels of a tree fall
// from page to page and the keys of a page lie in the range that its parent
// gives, so that no walk runs in a circle or meets a page twice; a value cannot
// be longer than the file has room for. A wrong checksum alone loses nothing:
// what was read is given, and the damage is noted in Defects.
//
// Memory does not grow with the file: pages are kept in a cache of fixed size,
// and blocks are read one at a time.
package ndb
