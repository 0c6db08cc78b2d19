package report

import "fmt"

// bar is a whole divided into parts, drawn as one bar with a legend.
type bar struct {
	Title string
	Total int64
	Parts []part
}

type part struct {
	Class, Label string
	Count        int64
	Share        string
	X, Width     string // of 1000
}

// The measures of a bar, of 1000: the gap between two parts, and the least
// width at which a part can still be seen.
const (
	barGap   = 3.0
	barLeast = 6.0
)

func newBar(title string, parts ...part) bar {
	b := bar{Title: title, Parts: parts}
	for _, p := range parts {
		b.Total += p.Count
	}
	if b.Total == 0 {
		return b
	}
	widths := make([]float64, len(parts))
	widest, sum := 0, 0.0
	for i, p := range parts {
		if p.Count > 0 {
			widths[i] = max(barLeast, 1000*float64(p.Count)/float64(b.Total))
		}
		sum += widths[i]
		if widths[i] > widths[widest] {
			widest = i
		}
	}
	widths[widest] += 1000 - sum // what small parts were given beyond their share
	x := 0.0
	for i := range parts {
		p := &b.Parts[i]
		p.Share = percent(p.Count, b.Total)
		width := widths[i]
		if x+width < 999.9 {
			width -= barGap
		}
		p.X, p.Width = fmt.Sprintf("%.1f", x), fmt.Sprintf("%.1f", max(0, width))
		x += widths[i]
	}
	return b
}

// percent never rounds something to 0 % or a part to 100 %.
func percent(n, total int64) string {
	if total <= 0 {
		return ""
	}
	p := 100 * float64(n) / float64(total)
	switch {
	case n == 0:
		return "0 %"
	case n == total:
		return "100 %"
	case p < 0.1:
		return "< 0.1 %"
	case p > 99.9:
		return "> 99.9 %"
	}
	return fmt.Sprintf("%.1f %%", p)
}
