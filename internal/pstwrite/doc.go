// Package pstwrite writes Outlook's personal folders (PST) and offline folders
// with 4 kB pages (OST) after [MS-PST]. It is there for tests and measurements,
// which need files of known content, of any size, and with chosen damage. It is
// no feature of the product: nothing outside of tests and benchmarks imports it.
//
// Blocks are written as they come, and the two B-trees when the file is closed,
// so a file of any size needs memory for a few bytes per block and message and
// for the unfinished tables of its folders.
package pstwrite
