package datetime

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Every date that can be sent is read back with its zone.
func TestDatesComeBack(t *testing.T) {
	var zones Zones
	rapid.Check(t, func(t *rapid.T) {
		zone := rapid.IntRange(-99*60-59, 99*60+59).Draw(t, "minutes") * 60
		at := time.Unix(rapid.Int64Range(-62135000000, 253402000000).Draw(t, "seconds"), 0).In(time.FixedZone("", zone))
		text, err := Format(at)
		if err != nil {
			if at.Year() >= 1 && at.Year() <= 9999 {
				t.Fatal(err)
			}
			return
		}
		got, exact, ok := zones.Parse([]byte(text))
		_, offset := got.Zone()
		if !ok || !exact || !got.Equal(at) || offset != zone {
			t.Fatalf("%s became %q and then %s", at, text, got)
		}
	})
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"17-Jul-1996 02:44:25 -0700", " 1-Jan-70 00:00:00 GMT", "29-Feb-2023 00:00:00 +0000", "1-1-2000", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var zones Zones
		at, _, ok := zones.Parse([]byte(text))
		if !ok {
			return
		}
		again, err := Format(at)
		if err != nil {
			return // the year 0
		}
		if same, _, ok := zones.Parse([]byte(again)); !ok || !same.Equal(at) {
			t.Fatalf("%q is %s, then %q is %s", text, at, again, same)
		}
	})
}
