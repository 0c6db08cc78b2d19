package report

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNumbersForPeople(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{number(0), "0"}, {number(999), "999"}, {number(1000), "1,000"}, {number(-1234567), "-1,234,567"},
		{number(math.MinInt64), "-9,223,372,036,854,775,808"},
		{size(0), "0 B"}, {size(999), "999 B"}, {size(1000), "0.98 KiB"}, {size(1024), "1.00 KiB"}, {size(1_048_575), "1.00 MiB"},
		{size(123_456_789), "118 MiB"}, {size(math.MaxInt64), "8.00 EiB"}, {size(-1), "unknown"},
		{rate(0), "0.00"}, {rate(12.34), "12.3"}, {rate(99999), "99,999"},
		{span(0), "0 s"}, {span(0.4213), "0.42 s"}, {span(42.4), "42 s"}, {span(59.99), "1 min 0 s"}, {span(3599.9), "1 h 0 min"},
		{span(3 * 86400), "3 d 0 h"}, {span(math.NaN()), "unknown"},
		{plural(1, "mailbox"), "1 mailbox"}, {plural(2000, "mailbox"), "2,000 mailboxes"}, {plural(0, "entry"), "0 entries"},
		{moment(noon), "2026-11-22 12:00:00+01:00"},
		{percent(0, 9), "0 %"}, {percent(9, 9), "100 %"}, {percent(1, 100_000), "< 0.1 %"}, {percent(99_999, 100_000), "> 99.9 %"}, {percent(1, 0), ""},
		{quote("maildir:/srv/mail"), "maildir:/srv/mail"}, {quote("a b"), "'a b'"}, {quote("it's"), `'it'\''s'`}, {quote("$(x)"), "'$(x)'"}, {quote(""), "''"},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}

func TestRatesAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		curve := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Point {
			return Point{Second: rapid.Float64Range(-10, 1e6).Draw(t, "second"), Messages: rapid.Int64Range(-5, 1e9).Draw(t, "messages")}
		}), 0, 300).Draw(t, "curve")
		points := steady(curve)
		steps, length := rates(points, func(p Point) float64 { return float64(p.Messages) })
		if steps == nil {
			return
		}
		sum := 0.0
		for _, v := range steps {
			if !(v >= 0) || math.IsInf(v, 0) {
				t.Fatalf("a rate of %v", v)
			}
			sum += v * length
		}
		want := float64(points[len(points)-1].Messages)
		if math.Abs(sum-want) > 1e-6*want+1e-6 {
			t.Fatalf("steps hold %v messages, the curve %v", sum, want)
		}
		if len(steps) > maxSteps {
			t.Fatalf("%d steps", len(steps))
		}
	})
}

func TestChartsOfEveryLength(t *testing.T) {
	if c := charts(nil); c != nil {
		t.Error("a curve out of nothing")
	}
	if c := charts([]Point{{0, 5, 5}}); c != nil {
		t.Error("a curve of no duration")
	}
	for _, end := range []float64{5e-324, 1e-9, 1e-6, 0.004, 1, 59, 7200, 400_000, 1e9, 1e300} {
		for _, total := range []int64{0, 1, 7, 1e6, math.MaxInt64} {
			for _, c := range charts([]Point{{end / 3, total / 2, total / 2}, {end, total, total}}) {
				if s := string(c.SVG); strings.Contains(s, "NaN") || strings.Contains(s, "Inf") || strings.Count(s, `class="grid"`) > 12 || !strings.HasSuffix(s, "</svg>") {
					t.Errorf("end %v, total %d: %s", end, total, s)
				}
			}
		}
	}
}

func TestTicksAreRound(t *testing.T) {
	for _, c := range []struct {
		top  float64
		last string
		n    int
	}{{223, "300", 4}, {5.88, "6", 4}, {0.03, "0.03", 4}, {1, "1.0", 3}, {18_000, "20,000", 5}, {0, "1", 2}} {
		list, step := ticks(c.top, 4)
		if got := tickText(list[len(list)-1], step); got != c.last || len(list) != c.n {
			t.Errorf("ticks up to %v: %v, the last %q; want %d up to %q", c.top, list, got, c.n, c.last)
		}
	}
}

func TestBarsFillTheirTrack(t *testing.T) {
	b := newBar("x", part{Count: 1}, part{Count: 1_000_000}, part{Count: 0}, part{Count: 3})
	if b.Total != 1_000_004 || b.Parts[0].Width != "3.0" || b.Parts[1].X != "6.0" || b.Parts[3].X != "994.0" || b.Parts[3].Width != "6.0" {
		t.Errorf("%+v", b)
	}
	if b := newBar("x", part{}); b.Parts[0].Width != "" || b.Parts[0].Share != "" {
		t.Errorf("empty bar %+v", b)
	}
}
