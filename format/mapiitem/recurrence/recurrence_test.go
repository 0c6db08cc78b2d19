package recurrence

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/failure"
)

func ascii(b []byte) string { return string(b) }

func day(s string) Minutes {
	t, err := time.Parse("2006-01-02", s)
	if err != nil {
		panic(err)
	}
	return FromTime(t)
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		name  string
		p     Pattern
		rule  string
		dates string // the first ones
	}{
		{"every third day", Pattern{Frequency: Daily, Type: Day, Period: 3 * 1440, Start: day("2024-02-27"), End: Never},
			"FREQ=DAILY;INTERVAL=3", "20240227 20240301 20240304"},
		{"working days", Pattern{Frequency: Daily, Type: Week, Period: 1, Days: 0x3E, Start: day("2024-05-03"), End: Never},
			"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;WKST=SU", "20240503 20240506 20240507"},
		{"every other week, Monday first", Pattern{Frequency: Weekly, Type: Week, Period: 2, Days: 0x05, FirstDay: time.Monday, Start: day("2024-05-07"), End: Never},
			"FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,TU;WKST=MO", "20240507 20240512 20240521 20240526"},
		{"every other week, Sunday first", Pattern{Frequency: Weekly, Type: Week, Period: 2, Days: 0x05, FirstDay: time.Sunday, Start: day("2024-05-07"), End: Never},
			"FREQ=WEEKLY;INTERVAL=2;BYDAY=SU,TU;WKST=SU", "20240507 20240519 20240521"},
		{"the 31st, or the last", Pattern{Frequency: Monthly, Type: Month, Period: 1, Day: 31, Start: day("2023-01-31"), End: Never},
			"FREQ=MONTHLY;BYMONTHDAY=28,29,30,31;BYSETPOS=-1", "20230131 20230228 20230331 20230430"},
		{"leap day", Pattern{Frequency: Yearly, Type: Month, Period: 12, Day: 29, Start: day("2024-02-29"), End: Never},
			"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=28,29;BYSETPOS=-1", "20240229 20250228 20260228"},
		{"last Friday", Pattern{Frequency: Monthly, Type: MonthNth, Period: 1, Days: 0x20, Nth: 5, Start: day("2024-05-31"), End: Never},
			"FREQ=MONTHLY;BYDAY=-1FR", "20240531 20240628 20240726"},
		{"second working day", Pattern{Frequency: Monthly, Type: MonthNth, Period: 1, Days: 0x3E, Nth: 2, Start: day("2024-06-04"), End: Never},
			"FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=2", "20240604 20240702 20240802"},
		{"third day whatever it is", Pattern{Frequency: Monthly, Type: MonthNth, Period: 1, Days: 0x7F, Nth: 3, Start: day("2024-06-03"), End: Never},
			"FREQ=MONTHLY;BYMONTHDAY=3", "20240603 20240703"},
		{"last day", Pattern{Frequency: Monthly, Type: MonthEnd, Period: 2, Day: 31, Start: day("2024-02-29"), End: Never},
			"FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=-1", "20240229 20240430 20240630"},
		{"fourth Thursday of November", Pattern{Frequency: Yearly, Type: MonthNth, Period: 12, Days: 0x10, Nth: 4, Start: day("2024-11-28"), End: Never},
			"FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "20241128 20251127"},
		{"ends by date", Pattern{Frequency: Weekly, Type: Week, Period: 1, Days: 0x02, Start: day("2024-05-06"), End: EndsOnDate, Until: day("2024-05-19")},
			"FREQ=WEEKLY;BYDAY=MO;WKST=SU", "20240506 20240513"},
		{"ends by count", Pattern{Frequency: Daily, Type: Day, Period: 1440, Start: day("2024-05-06"), End: EndsAfter, Count: 2, Until: day("2024-05-07")},
			"FREQ=DAILY", "20240506 20240507"},
		{"a lunar calendar", Pattern{Frequency: Monthly, Type: HijriMonth, Period: 1, Day: 1, Start: day("2024-05-06"), End: Never}, "", ""},
		{"the Chinese lunar calendar", Pattern{Frequency: Yearly, Type: Month, Calendar: 15, Period: 12, Day: 1, Start: day("2024-05-06"), End: Never}, "", ""},
		{"the Thai calendar", Pattern{Frequency: Yearly, Type: Month, Calendar: 7, Period: 12, Day: 1, Start: day("2024-05-01"), End: Never},
			"FREQ=YEARLY;BYMONTH=5;BYMONTHDAY=1", "20240501"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, rest, err := DecodePattern(encodePattern(&c.p), "test")
			if err != nil || len(rest) != 0 {
				t.Fatal(err, rest)
			}
			if got := p.Rule(); got != c.rule {
				t.Errorf("rule %q, want %q", got, c.rule)
			}
			want := strings.Fields(c.dates)
			if got := first(p, max(1, len(want))); strings.Join(got, " ") != c.dates && len(got) > 0 {
				t.Errorf("dates %q, want %q", got, want)
			}
			if !p.Endless() && len(first(p, 99)) != len(want) {
				t.Errorf("%d dates, want %d", len(first(p, 99)), len(want))
			}
		})
	}
}

func first(p *Pattern, n int) (list []string) {
	for d := range p.Dates() {
		if len(list) >= n {
			break
		}
		list = append(list, d.Format("20060102"))
	}
	return list
}

func TestPatternsComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &Series{Pattern: *anyPattern(t), StartOffset: rapid.Uint32Range(0, 1439).Draw(t, "start")}
		s.EndOffset = s.StartOffset + rapid.Uint32Range(0, 3000).Draw(t, "length")
		minutes := rapid.Custom(func(t *rapid.T) Minutes { return Minutes(rapid.Uint32().Draw(t, "minutes")) })
		s.Deleted, s.Modified = rapid.SliceOfN(minutes, 0, 5).Draw(t, "deleted"), rapid.SliceOfN(minutes, 0, 5).Draw(t, "modified")
		for range rapid.IntRange(0, 4).Draw(t, "exceptions") {
			e := Exception{Start: minutes.Draw(t, "start"), End: minutes.Draw(t, "end"), Original: minutes.Draw(t, "original"),
				Flags: rapid.Uint16Range(0, 0x3FF).Draw(t, "flags")}
			if e.Flags&HasSubject != 0 {
				e.Subject = rapid.StringN(0, 50, -1).Draw(t, "subject")
			}
			if e.Flags&HasLocation != 0 {
				e.Location = rapid.StringN(0, 50, -1).Draw(t, "location")
			}
			if e.Flags&HasReminder != 0 {
				e.Reminder = rapid.Bool().Draw(t, "reminder")
			}
			if e.Flags&HasBusyStatus != 0 {
				e.BusyStatus = rapid.Uint32().Draw(t, "busy")
			}
			if e.Flags&HasSubType != 0 {
				e.AllDay = rapid.Bool().Draw(t, "all day")
			}
			s.Exceptions = append(s.Exceptions, e)
		}
		got, err := Decode(encode(s, rapid.SampledFrom([]uint32{0x3008, 0x3009}).Draw(t, "writer")), "test", ascii)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Deleted) == 0 {
			got.Deleted = s.Deleted
		}
		if len(got.Modified) == 0 {
			got.Modified = s.Modified
		}
		if !reflect.DeepEqual(got, s) {
			t.Fatalf("got  %+v\nwant %+v", got, s)
		}
	})
}

// TestRulesAgreeWithDateutil lets another program expand the rules of many
// patterns, and compares with our own way through the pattern.
func TestRulesAgreeWithDateutil(t *testing.T) {
	const python = "/usr/bin/python3"
	if err := exec.CommandContext(t.Context(), python, "-c", "import dateutil.rrule").Run(); err != nil {
		t.Skip("python-dateutil is not installed (python3-dateutil)")
	}
	const limit = 30
	var in bytes.Buffer
	var want []string
	examples := rapid.Custom(anyPattern)
	for seed := range 600 {
		p := examples.Example(seed)
		from, ok := p.FirstDate()
		if !ok {
			t.Fatalf("%+v has no first day", p)
		}
		fmt.Fprintf(&in, "%s %s %d\n", from.Format("20060102"), p.Rule(), limit)
		want = append(want, strings.Join(first(p, limit), " "))
	}
	cmd := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "expand.py"))
	cmd.Stdin, cmd.Stderr = &in, os.Stderr
	lines := strings.Split(in.String(), "\n")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	if len(got) != len(want) {
		t.Fatalf("%d answers to %d rules", len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s\ndateutil %s\nours     %s", lines[i], got[i], want[i])
		}
	}
}

func TestDamage(t *testing.T) {
	good := &Series{Pattern: Pattern{Frequency: Weekly, Type: Week, Period: 1, Days: 2, Start: day("2024-05-06"), End: Never, Until: noEnd,
		Deleted: []Minutes{day("2024-05-13")}, Modified: []Minutes{day("2024-05-14")}}, StartOffset: 600, EndOffset: 660,
		Exceptions: []Exception{{Start: day("2024-05-14") + 600, End: day("2024-05-14") + 660, Original: day("2024-05-13") + 600, Flags: HasSubject, Subject: "moved"}}}
	b := encode(good, 0x3009)
	for n := range b {
		s, err := Decode(b[:n], "cut", ascii)
		if err == nil && len(s.Defects) == 0 && n < len(b)-4 {
			t.Errorf("cut at %d of %d: nothing noticed", n, len(b))
		}
		if err != nil && failure.ClassOf(err) != failure.Malformed {
			t.Errorf("cut at %d: class %v", n, failure.ClassOf(err))
		}
	}
	huge := bytes.Clone(b)
	copy(huge[38:], []byte{0xFF, 0xFF, 0xFF, 0x7F}) // the count of deleted occurrences
	if _, err := Decode(huge, "huge", ascii); failure.RuleOf(err) != "recurrence.count" {
		t.Errorf("a count of 2^31: %v", err)
	}
	for name, p := range map[string]Pattern{
		"recurrence.period":    {Frequency: Daily, Type: Day},
		"recurrence.days":      {Frequency: Weekly, Type: Week, Period: 1},
		"recurrence.day":       {Frequency: Monthly, Type: Month, Period: 1, Day: 32},
		"recurrence.nth":       {Frequency: Monthly, Type: MonthNth, Period: 1, Days: 1, Nth: 6},
		"recurrence.frequency": {Frequency: 7, Type: Day, Period: 1440},
		"recurrence.type":      {Frequency: Daily, Type: 9},
	} {
		if _, _, err := DecodePattern(encodePattern(&p), "test"); failure.RuleOf(err) != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	endless := Pattern{Frequency: Yearly, Type: Month, Period: 12 * 9999, Day: 31, Start: 0xFFFFFFFF, End: EndsAfter, Count: 0xFFFFFFFF}
	if n := len(first(&endless, 1<<30)); n > maxSteps {
		t.Errorf("%d dates", n)
	}
}

func FuzzDecode(f *testing.F) {
	s := &Series{Pattern: Pattern{Frequency: Monthly, Type: MonthNth, Period: 1, Days: 2, Nth: 5, Start: day("2024-05-27"), End: EndsAfter, Count: 3, Until: noEnd,
		Deleted: []Minutes{1, 2}}, Exceptions: []Exception{{Flags: 0x3FF, Subject: "a", Location: "b"}}}
	f.Add(encode(s, 0x3009))
	f.Add(encode(s, 0x3008)[:70])
	f.Add([]byte{4, 0x30, 4, 0x30, 0x0B, 0x20, 1, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Decode(b, "fuzz", ascii)
		if err != nil {
			if failure.ClassOf(err) != failure.Malformed {
				t.Fatal(err)
			}
			return
		}
		if len(s.Exceptions)*14 > len(b) || len(s.Deleted)*4 > len(b) {
			t.Fatalf("%d exceptions and %d deletions out of %d bytes", len(s.Exceptions), len(s.Deleted), len(b))
		}
		_ = s.Rule()
		before := time.Time{}
		n := 0
		for d := range s.Dates() {
			if n++; n > 500 {
				break
			}
			if !d.After(before) {
				t.Fatalf("%v behind %v", d, before)
			}
			before = d
		}
	})
}
