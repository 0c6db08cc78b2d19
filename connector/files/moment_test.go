package files_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/connector/files"
)

func TestMomentsRiseWhateverTheClockDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var last files.Moment
		lastName := ""
		for _, micro := range rapid.SliceOfN(rapid.Int64Range(-5_000_000, 4_000_000_000_000_000), 1, 20).Draw(t, "clock") {
			m := files.NextMoment(time.UnixMicro(micro), last)
			if m.Compare(last) <= 0 || m.String() <= lastName {
				t.Fatalf("%v does not come after %v", m, last)
			}
			n := rapid.IntRange(0, 99_999).Draw(t, "n")
			got, gotN, rest, ok := files.ParseMomentName(m.Name(n) + ".waybill")
			if !ok || got != m || gotN != n || rest != ".waybill" {
				t.Fatalf("%q is read as %v %d %q %v", m.Name(n), got, gotN, rest, ok)
			}
			last, lastName = m, m.String()
		}
	})
}

func TestForeignNamesAreNoMoments(t *testing.T) {
	for _, name := range []string{
		"", "1350506030.M20048P30256.host,S=1", "1350506030.M020048W0123456789abcdeg", "1350506030.M020048W0123456789abcdef_x",
		"-350506030.M020048W0123456789abcdef_000001", "1350506030.M0200480123456789abcdef_000001",
	} {
		if m, n, _, ok := files.ParseMomentName(name); ok {
			t.Errorf("%q is read as moment %v, number %d", name, m, n)
		}
	}
}
