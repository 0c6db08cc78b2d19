package mapimail

import (
	"io"
	"strings"
	"testing"

	"waybill/format/mapi"
)

// BenchmarkConvert converts and writes a letter with one attachment of 64 kB.
func BenchmarkConvert(b *testing.B) {
	m := &item{
		props: props(mapi.Subject, "Benchmark", mapi.Body, strings.Repeat("A line of text, as people write them.\r\n", 40),
			mapi.HTML, []byte(strings.Repeat("<p>A line of text, as <b>people</b> write them.</p>\r\n", 80)),
			mapi.TransportMessageHeaders, "From: Anna <anna@example.org>\r\nTo: Bob <bob@example.org>\r\nSubject: Benchmark\r\nDate: Tue, 6 May 2003 07:08:09 +0000\r\n\r\n"),
		attachments: []mapi.Attachment{attach(mapi.AttachLongFilename, "a.bin", mapi.AttachData, make([]byte, 64<<10))},
	}
	b.ReportAllocs()
	for b.Loop() {
		got, err := Convert(b.Context(), m, Options{})
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, got.Open(b.Context()))
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(n)
	}
}
