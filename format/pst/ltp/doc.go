// Package ltp is the middle layer of a PST or OST file, lists, tables and
// properties ([MS-PST] 2.3): the heap on a node, the B-tree on a heap, the
// property context and the table context. Its values are those of package mapi.
//
// A heap keeps a few of its blocks in memory, however many it has; rows come one
// after the other, and a value that has a subnode of its own is read when it is
// opened.
package ltp
