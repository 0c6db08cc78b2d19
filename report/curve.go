package report

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// The shortest and the longest run, in seconds, that a curve is drawn of.
// Beyond them are only broken clocks, and numbers that arithmetic cannot hold.
const (
	shortestCurve = 1e-6
	longestCurve  = 1e10
)

// steady is the curve with a point at the start and rising times, counts that
// never fall, and nothing that is not a number.
func steady(curve []Point) []Point {
	points := []Point{{}}
	for _, p := range curve {
		last := points[len(points)-1]
		if !(p.Second > last.Second) || p.Second < shortestCurve || p.Second > longestCurve {
			continue
		}
		p.Messages, p.Bytes = max(p.Messages, last.Messages), max(p.Bytes, last.Bytes)
		points = append(points, p)
	}
	return points
}

// maxSteps bounds how many steps a curve is drawn with; a finer one would be
// noise at the width of a page.
const maxSteps = 90

// rates gives the mean rate per second in each of equal steps of time, and the
// length of a step in seconds. It returns nil for a curve without duration.
func rates(points []Point, value func(Point) float64) (steps []float64, length float64) {
	if len(points) < 2 {
		return nil, 0
	}
	end := points[len(points)-1].Second
	n := min(len(points)-1, maxSteps)
	length = end / float64(n)
	at, before := 0, value(points[0])
	for i := 1; i <= n; i++ {
		t := end * float64(i) / float64(n)
		for at < len(points)-2 && points[at+1].Second < t {
			at++
		}
		a, b := points[at], points[at+1]
		share := min(1, max(0, (t-a.Second)/(b.Second-a.Second)))
		now := value(a) + share*(value(b)-value(a))
		steps = append(steps, max(0, (now-before)/length))
		before = now
	}
	return steps, length
}

// The measures of a chart, in its own units.
const (
	chartWidth  = 520
	chartHeight = 224
	chartLeft   = 58
	chartRight  = 10
	chartTop    = 28
	chartBottom = 34
)

// chart is one curve, ready to be drawn.
type chart struct {
	ID, Title string
	Mean      string
	Peak      string
	SVG       template.HTML
}

// charts draws messages per second and bytes per second over the time of the
// run; none when the run was too short to have a curve.
func charts(curve []Point) []chart {
	points := steady(curve)
	var list []chart
	for _, c := range []struct {
		id, title string
		value     func(Point) float64
		unit      func(top float64) (scale float64, name string)
		write     func(float64) string
	}{
		{"messages", "Messages per second", func(p Point) float64 { return float64(p.Messages) },
			func(float64) (float64, string) { return 1, "messages/s" },
			func(v float64) string { return rate(v) + " messages/s" }},
		{"bytes", "Bytes per second", func(p Point) float64 { return float64(p.Bytes) },
			byteScale, func(v float64) string { return size(int64(v)) + "/s" }},
	} {
		steps, length := rates(points, c.value)
		if steps == nil {
			return nil
		}
		end := points[len(points)-1].Second
		top, sum := 0.0, 0.0
		for _, v := range steps {
			top, sum = max(top, v), sum+v*length
		}
		scale, unit := c.unit(top)
		summary := fmt.Sprintf("mean %s, peak %s", c.write(sum/end), c.write(top))
		list = append(list, chart{ID: c.id, Title: c.title, Mean: c.write(sum / end), Peak: c.write(top),
			SVG: drawChart(c.id, c.title, unit, summary, steps, scale, top, sum/end, end)})
	}
	return list
}

func byteScale(top float64) (float64, string) {
	scale, unit := 1.0, 0
	for top/scale >= 1024 && unit < len(byteUnits)-1 {
		scale *= 1024
		unit++
	}
	return scale, byteUnits[unit] + "/s"
}

// drawChart draws one curve. All text in it is our own, so it needs no escaping.
func drawChart(id, title, unit, summary string, steps []float64, scale, top, mean, end float64) template.HTML {
	var b strings.Builder
	w, h := float64(chartWidth-chartLeft-chartRight), float64(chartHeight-chartTop-chartBottom)
	yTicks, yStep := ticks(top/scale, 4)
	yTop := yTicks[len(yTicks)-1]
	y := func(v float64) float64 { return chartTop + h - h*v/yTop }
	x := func(t float64) float64 { return chartLeft + w*t/end }
	fmt.Fprintf(&b, `<svg class="chart" viewBox="0 0 %d %d" role="img" aria-labelledby="ct-%s cd-%s"><title id="ct-%s">%s</title><desc id="cd-%s">%s over %s.</desc>`,
		chartWidth, chartHeight, id, id, id, title, id, summary, span(end))
	for _, v := range yTicks {
		fmt.Fprintf(&b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/><text class="tick" x="%d" y="%.1f" text-anchor="end">%s</text>`,
			chartLeft, chartWidth-chartRight, y(v), y(v), chartLeft-8, y(v)+4, tickText(v, yStep))
	}
	divisor, timeUnit := timeScale(end)
	xTicks, xStep := ticks(end/divisor, 6)
	for _, v := range xTicks {
		if v*divisor > end*1.0001 {
			continue
		}
		fmt.Fprintf(&b, `<line class="mark" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/><text class="tick" x="%.1f" y="%d" text-anchor="middle">%s</text>`,
			x(v*divisor), x(v*divisor), chartTop+int(h), chartTop+int(h)+4, x(v*divisor), chartTop+int(h)+16, tickText(v, xStep))
	}
	fmt.Fprintf(&b, `<text class="unit" x="%d" y="%d" text-anchor="end">%s since the start</text>`, chartWidth-chartRight, chartHeight-3, timeUnit)
	fmt.Fprintf(&b, `<text class="unit" x="0" y="12">%s</text>`, unit)

	var line strings.Builder
	for i, v := range steps {
		x0, x1 := x(end*float64(i)/float64(len(steps))), x(end*float64(i+1)/float64(len(steps)))
		letter := "L"
		if i == 0 {
			letter = "M"
		}
		fmt.Fprintf(&line, "%s%.1f %.1fL%.1f %.1f", letter, x0, y(v/scale), x1, y(v/scale))
	}
	fmt.Fprintf(&b, `<path class="area" d="%sL%.1f %.1fL%.1f %.1fZ"/><path class="line" d="%s"/>`,
		line.String(), x(end), y(0), x(0), y(0), line.String())
	fmt.Fprintf(&b, `<line class="mean" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/></svg>`,
		chartLeft, chartWidth-chartRight, y(mean/scale), y(mean/scale))
	return template.HTML(b.String())
}

// ticks gives round values from 0 to at least top, about count of them, and
// the distance between two.
func ticks(top float64, count int) ([]float64, float64) {
	if !(top > 0) || math.IsInf(top, 0) {
		return []float64{0, 1}, 1
	}
	raw := top / float64(count)
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * power
	for _, m := range [...]float64{1, 2, 5} {
		if m*power >= raw*0.999 {
			step = m * power
			break
		}
	}
	list := []float64{0}
	for i := 1; list[len(list)-1] < top*0.999 && i <= 2*count; i++ {
		list = append(list, float64(i)*step)
	}
	return list, step
}

func tickText(v, step float64) string {
	digits := max(0, int(math.Ceil(-math.Log10(step)-1e-9)))
	if digits == 0 && v < 1e15 {
		return number(int64(math.Round(v)))
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

func timeScale(end float64) (divisor float64, unit string) {
	switch {
	case end < 120:
		return 1, "seconds"
	case end < 2*3600:
		return 60, "minutes"
	case end < 72*3600:
		return 3600, "hours"
	}
	return 86400, "days"
}
