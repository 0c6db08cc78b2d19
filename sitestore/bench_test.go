package sitestore_test

import (
	"encoding/binary"
	"io"
	"testing"

	"waybill/mail"
	"waybill/sitestore"
)

// BenchmarkAppendOpen stores messages of 5 kB in batches of 500 and reads each
// back. cpu-ns/op is what the whole process used, reading and writing and the
// making of the messages included.
func BenchmarkAppendOpen(b *testing.B) {
	const batch, size = 500, 5000
	s := newSite(b, "anna")
	m := open(b, s, "", "anna")
	bodies := make([][]byte, batch)
	for i := range bodies {
		bodies[i] = body(i, size)
	}
	b.ReportAllocs()
	b.SetBytes(size)
	items := make([]sitestore.Incoming, 0, batch)
	sink := make([]byte, size)
	b.ResetTimer()
	before := cpuTime()
	for n := 0; n < b.N; n += batch {
		items = items[:0]
		for i := range min(batch, b.N-n) {
			binary.BigEndian.PutUint64(bodies[i][size/2:], uint64(n+i)|0x4141414100000000)
			items = append(items, incoming(bodies[i], `\Seen`))
		}
		out, err := m.Append(b.Context(), mail.Inbox, 0, items)
		if err != nil {
			b.Fatal(err)
		}
		for _, o := range out {
			_, r, err := m.Open(b.Context(), mail.Inbox, o.UID)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(r, sink); err != nil {
				b.Fatal(err)
			}
			if err := r.Close(); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/op")
}
