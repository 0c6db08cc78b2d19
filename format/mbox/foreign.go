package mbox

import (
	"bytes"
	"errors"
	"fmt"

	"waybill/failure"
)

// foreign are formats that end up in folders of mbox files and are not mbox.
var foreign = []struct {
	magic, rule, is, remedy string
}{
	{"\x10\x10\x10\x10\x10\x10\x10\x11\x11\x11\x11\x11\x11S", "mbox.foxmail", "a Foxmail box file", "export the folder from Foxmail as EML files and use eml:DIR"},
	{"*mbx*\r\n", "mbox.mbx", "a UW IMAP folder in MBX format", "convert it with mailutil copy, or read it over IMAP from the server that made it"},
	{"*mix*\r\n", "mbox.mix", "a UW IMAP folder in MIX format", "read it over IMAP from the server that made it"},
	{"!BDN", "mbox.pst", "an Outlook store", "use pst:FILE"},
	{"\xcf\xad\x12\xfe", "mbox.dbx", "an Outlook Express folder", "convert it to EML files and use eml:DIR"},
	{"PK\x03\x04", "mbox.archive", "a ZIP archive", "unpack it first"},
	{"PK\x05\x06", "mbox.archive", "an empty ZIP archive", "unpack it first"},
	{"\x1f\x8b", "mbox.archive", "compressed with gzip", "unpack it first"},
	{"BZh", "mbox.archive", "compressed with bzip2", "unpack it first"},
	{"\xfd7zXZ\x00", "mbox.archive", "compressed with xz", "unpack it first"},
	{"\x28\xb5\x2f\xfd", "mbox.archive", "compressed with zstd", "unpack it first"},
	{"SQLite format 3\x00", "mbox.sqlite", "an SQLite database", "leave it out"},
}

// recognise tells what a file is that has no From_ line, from its first bytes.
func recognise(name string, off int64, start []byte) error {
	for _, f := range foreign {
		if bytes.HasPrefix(start, []byte(f.magic)) {
			return failure.New(failure.Malformed, "read mbox", place(name, off), f.rule, errors.New("this is "+f.is+", not an mbox file")).WithRemedy(f.remedy)
		}
	}
	return failure.New(failure.Malformed, "read mbox", place(name, off), "mbox.not-mbox",
		errors.New("no line in the file begins a message (From sender date)")).
		WithRemedy("check what the file is; leave it out if it is not mail")
}

func preambleFailure(name string, off, n int64) error {
	return failure.New(failure.Malformed, "read mbox", place(name, off), "mbox.preamble",
		fmt.Errorf("%d bytes stand before the first From_ line and belong to no message", n)).
		WithRemedy("look at the head of the file; a message whose From_ line is damaged can be repaired by hand")
}

func place(name string, off int64) string { return fmt.Sprintf("%s, byte %d", name, off) }
