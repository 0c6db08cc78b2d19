package zone

import (
	"encoding/binary"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // an independent source of what clocks showed
	"unicode/utf16"

	"pgregory.net/rapid"

	"waybill/failure"
	"waybill/format/mapiitem/contentline"
)

// rawRule is a rule as the formats have it.
type rawRule struct {
	year                     uint16
	bias, standard, daylight int32
	toStandard, toDaylight   [8]uint16
}

func change(month, weekday, nth, hour uint16) [8]uint16 {
	return [8]uint16{0, month, weekday, nth, hour}
}

func encodeDefinition(name string, rules ...rawRule) []byte {
	le := binary.LittleEndian
	units := utf16.Encode([]rune(name))
	b := []byte{2, 1}
	b = le.AppendUint16(b, uint16(6+2*len(units)))
	b = le.AppendUint16(b, 2)
	b = le.AppendUint16(b, uint16(len(units)))
	for _, u := range units {
		b = le.AppendUint16(b, u)
	}
	b = le.AppendUint16(b, uint16(len(rules)))
	for _, r := range rules {
		b = append(b, 2, 1, 0x3E, 0, 0, 0)
		b = le.AppendUint16(b, r.year)
		b = append(b, make([]byte, 14)...)
		b = r.append(b)
	}
	return b
}

func (r *rawRule) append(b []byte) []byte {
	le := binary.LittleEndian
	for _, v := range []int32{r.bias, r.standard, r.daylight} {
		b = le.AppendUint32(b, uint32(v))
	}
	for _, c := range [][8]uint16{r.toStandard, r.toDaylight} {
		for _, v := range c {
			b = le.AppendUint16(b, v)
		}
	}
	return b
}

var (
	berlin = rawRule{bias: -60, daylight: -60, toStandard: change(10, 0, 5, 3), toDaylight: change(3, 0, 5, 2)}
	// New York set its clocks on other days before 2007.
	newYork1987 = rawRule{year: 1987, bias: 300, daylight: -60, toStandard: change(10, 0, 5, 2), toDaylight: change(4, 0, 1, 2)}
	newYork2007 = rawRule{year: 2007, bias: 300, daylight: -60, toStandard: change(11, 0, 1, 2), toDaylight: change(3, 0, 2, 2)}
	sydney      = rawRule{year: 2008, bias: -600, daylight: -60, toStandard: change(4, 0, 1, 3), toDaylight: change(10, 0, 1, 2)}
	kolkata     = rawRule{bias: -330, daylight: -60}
)

func decode(t testing.TB, name string, rules ...rawRule) *Zone {
	t.Helper()
	z, err := DecodeDefinition(encodeDefinition(name, rules...), "test")
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// cases pairs zones of Windows with those of the tz database, and the years for
// which the rules are the same.
var cases = []struct {
	iana     string
	from, to int
	rules    []rawRule
}{
	{"Europe/Berlin", 1996, 2030, []rawRule{berlin}},
	{"America/New_York", 1987, 2030, []rawRule{newYork1987, newYork2007}},
	{"Australia/Sydney", 2008, 2030, []rawRule{sydney}},
	{"Asia/Kolkata", 1950, 2030, []rawRule{kolkata}},
}

func TestClocksAgreeWithTheTZDatabase(t *testing.T) {
	for _, c := range cases {
		z := decode(t, c.iana, c.rules...)
		place, err := time.LoadLocation(c.iana)
		if err != nil {
			t.Fatal(err)
		}
		for at := time.Date(c.from, 1, 1, 0, 30, 0, 0, time.UTC); at.Year() <= c.to; at = at.Add(13 * time.Hour) {
			there := at.In(place)
			want := time.Date(there.Year(), there.Month(), there.Day(), there.Hour(), there.Minute(), 0, 0, time.UTC)
			if got := z.Local(at); !got.Equal(want) {
				t.Fatalf("%s: at %v the clock shows %v, want %v", c.iana, at, got, want)
			}
			if back := z.UTC(want); !back.Equal(at) && !back.Equal(at.Add(-time.Hour)) { // shown twice
				t.Fatalf("%s: %v is %v, want %v", c.iana, want, back, at)
			}
		}
	}
}

func TestSkippedAndDoubledHours(t *testing.T) {
	z := decode(t, "W. Europe Standard Time", berlin)
	for local, want := range map[string]string{
		"2024-03-31T01:59": "2024-03-31T00:59", "2024-03-31T02:30": "2024-03-31T01:30", // skipped: the offset before
		"2024-03-31T03:00": "2024-03-31T01:00", "2024-10-27T02:30": "2024-10-27T00:30", // twice: the first
		"2024-10-27T03:00": "2024-10-27T02:00",
	} {
		at, _ := time.Parse("2006-01-02T15:04", local)
		if got := z.UTC(at).Format("2006-01-02T15:04"); got != want {
			t.Errorf("%s is %s UTC, want %s", local, got, want)
		}
	}
}

func TestStruct(t *testing.T) {
	raw := berlin.append(nil) // biases, then the two changes
	b := append(append(append([]byte{}, raw[:12]...), 0, 0), raw[12:28]...)
	b = append(append(b, 0, 0), raw[28:]...)
	z, err := DecodeStruct(b, "(GMT+01:00) Amsterdam", "test")
	if err != nil || len(b) != 48 {
		t.Fatal(err, len(b))
	}
	if want := decode(t, "x", berlin); z.Rules[0] != want.Rules[0] {
		t.Errorf("%+v, want %+v", z.Rules[0], want.Rules[0])
	}
	if _, err := DecodeStruct(b[:47], "", "test"); failure.RuleOf(err) != "zone.truncated" {
		t.Error(err)
	}
}

// TestOthersReadTheZones lets python-dateutil make time zones of what is
// written, and compares what their clocks show.
func TestOthersReadTheZones(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.CommandContext(t.Context(), python, "-c", "import dateutil.tz").Run(); err != nil {
		t.Skip("python-dateutil is not installed (python3-dateutil)")
	}
	for _, c := range cases {
		z := decode(t, "zone of "+c.iana, c.rules...)
		var d contentline.Document
		d.Begin("VCALENDAR")
		z.Write(&d, 1601, 9999)
		d.End("VCALENDAR")
		text, err := io.ReadAll(d.Open(t.Context()))
		if err != nil {
			t.Fatal(err)
		}
		var want []string
		for year := max(1990, c.from); year < 2030; year += 3 {
			for month := time.January; month <= time.December; month++ {
				at := time.Date(year, month, 17, 12, 0, 0, 0, time.UTC)
				want = append(want, at.Format("200601021504")+"="+z.UTC(at).Format("200601021504"))
			}
		}
		cmd := exec.CommandContext(t.Context(), python, "-c", `
import sys, datetime, io, dateutil.tz
zone = dateutil.tz.tzical(io.StringIO(sys.stdin.read())).get()
for word in sys.argv[1:]:
    at = datetime.datetime.strptime(word.split("=")[0], "%Y%m%d%H%M").replace(tzinfo=zone)
    print(word.split("=")[0] + "=" + at.astimezone(datetime.timezone.utc).strftime("%Y%m%d%H%M"))
`)
		cmd.Args = append(cmd.Args, want...)
		cmd.Stdin = strings.NewReader(string(text))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s\n%s", c.iana, err, out, text)
		}
		got := strings.Fields(string(out))
		for i := range want {
			if i >= len(got) || got[i] != want[i] {
				t.Errorf("%s: want %s: got %.200s\n%s", c.iana, want[i], got[i:], text)
				break
			}
		}
	}
}

func TestAnyZoneReckonsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func() [8]uint16 {
			return change(rapid.Uint16Range(1, 12).Draw(t, "month"), rapid.Uint16Range(0, 6).Draw(t, "weekday"), rapid.Uint16Range(1, 5).Draw(t, "nth"), rapid.Uint16Range(0, 23).Draw(t, "hour"))
		}
		r := rawRule{bias: 15 * rapid.Int32Range(-56, 48).Draw(t, "bias"), daylight: -60, toStandard: draw(), toDaylight: draw()}
		z, err := DecodeDefinition(encodeDefinition("any", r), "test")
		if err != nil {
			t.Fatal(err)
		}
		at := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "time")/60*60, 0).UTC()
		back := z.UTC(z.Local(at))
		if off := at.Sub(back).Abs(); off != 0 && off != time.Hour {
			t.Fatalf("%v comes back as %v", at, back)
		}
	})
}

// TestOnlyTheYearsThatMatter writes a zone with two rules for one year.
func TestOnlyTheYearsThatMatter(t *testing.T) {
	z := decode(t, "Eastern", newYork1987, newYork2007)
	for _, c := range []struct {
		first, last int
		want        string
	}{{2017, 2017, "BYDAY=1SU;BYMONTH=11"}, {1999, 2001, "BYDAY=-1SU;BYMONTH=10"}} {
		var d contentline.Document
		z.Write(&d, c.first, c.last)
		text, _ := io.ReadAll(d.Open(t.Context()))
		if !strings.Contains(string(text), c.want) || strings.Count(string(text), "BEGIN:STANDARD") != 1 || strings.Contains(string(text), "UNTIL") {
			t.Errorf("%d to %d:\n%s", c.first, c.last, text)
		}
	}
}

func TestDamagedDefinitions(t *testing.T) {
	good := encodeDefinition("Zone", newYork1987, newYork2007)
	for n := range good {
		if _, err := DecodeDefinition(good[:n], "cut"); failure.ClassOf(err) != failure.Malformed {
			t.Errorf("cut at %d: %v", n, err)
		}
	}
	wild := berlin
	wild.bias = 1 << 30
	if _, err := DecodeDefinition(encodeDefinition("x", wild), "test"); failure.RuleOf(err) != "zone.bias" {
		t.Error(err)
	}
	wild = berlin
	wild.toStandard = change(13, 0, 1, 0)
	if _, err := DecodeDefinition(encodeDefinition("x", wild), "test"); failure.RuleOf(err) != "zone.change" {
		t.Error(err)
	}
}

func FuzzDecodeDefinition(f *testing.F) {
	f.Add(encodeDefinition("Eastern Standard Time", newYork1987, newYork2007))
	f.Add(encodeDefinition("", sydney))
	f.Fuzz(func(t *testing.T, b []byte) {
		z, err := DecodeDefinition(b, "fuzz")
		if err != nil {
			if failure.ClassOf(err) != failure.Malformed {
				t.Fatal(err)
			}
			return
		}
		at := time.Date(2024, 6, 1, 12, 0, 0, 0, time.UTC)
		if d := z.UTC(z.Local(at)).Sub(at).Abs(); d > 100*time.Hour {
			t.Fatalf("%v off", d)
		}
		var d contentline.Document
		z.Write(&d, 1601, 9999)
		if len(d) > 20*maxRules {
			t.Fatalf("%d lines", len(d))
		}
	})
}
