// Package inspect holds what a look into a file or a mail system found, without
// moving anything: facts, and findings about its health. It knows no format;
// whoever looks fills in a Report.
package inspect

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// Severity is how bad a finding is.
type Severity uint8

// The severities, from harmless to bad.
const (
	Note    Severity = iota // worth knowing, nothing is lost by it
	Warning                 // something may not be carried, or not be as it seems
	Fault                   // something is broken; content is or may be lost
)

func (s Severity) String() string {
	switch s {
	case Fault:
		return "fault"
	case Warning:
		return "warning"
	default:
		return "note"
	}
}

// MarshalText writes the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Fact is one thing that is known: "encryption", "compressible".
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	// Private says that Value is somebody's name or words: Share leaves the fact
	// out.
	Private bool `json:"-"`
}

// Finding is one thing that is not as it should be.
type Finding struct {
	Severity Severity `json:"severity"`
	// Rule is the stable name of the rule that broke: "pst.page-crc".
	Rule string `json:"rule"`
	// Where is the place: a file and an offset, a folder and an item.
	Where string `json:"where,omitempty"`
	Text  string `json:"text"`
	// Certainty says how sure it is where that is a question: "documented",
	// "derived", "hypothesis".
	Certainty string `json:"certainty,omitempty"`
	// Events are the ids under which other programs reported it, Articles the
	// articles that describe it: "KB Q174253".
	Events   []string `json:"events,omitempty"`
	Articles []string `json:"articles,omitempty"`
	// Remedy is what helps; empty where nothing is known to.
	Remedy string `json:"remedy,omitempty"`
	// Private says that Where or Text may hold somebody's names or words: Share
	// leaves both out.
	Private bool `json:"-"`
	// Plain says the same as Text without names and words. Where there is one, Share
	// puts it in the place of a Private Text, and leaves Where as it is.
	Plain string `json:"-"`
}

// Report is what was found, in the order in which it is to be read.
type Report struct {
	// Title is the thing that was looked into, and Kind what it is, in words.
	Title string `json:"title"`
	Kind  string `json:"kind"`
	Facts []Fact `json:"facts"`
	// Findings are the first MaxFindings of each rule; More counts the others.
	Findings []Finding      `json:"findings"`
	More     map[string]int `json:"more,omitempty"`

	kept map[string]int // findings by rule
}

// MaxFindings is how many findings of one rule a Report keeps.
const MaxFindings = 100

// Fact adds a fact; values are formatted as by fmt.Sprintf.
func (r *Report) Fact(name, format string, args ...any) {
	r.Facts = append(r.Facts, Fact{Name: name, Value: fmt.Sprintf(format, args...)})
}

// PrivateFact adds a fact that is somebody's name or words.
func (r *Report) PrivateFact(name, format string, args ...any) {
	r.Facts = append(r.Facts, Fact{Name: name, Value: fmt.Sprintf(format, args...), Private: true})
}

// Find adds a finding, or counts it when there are many of its rule.
func (r *Report) Find(f Finding) {
	if r.kept == nil {
		r.kept = map[string]int{}
	}
	if r.kept[f.Rule] < MaxFindings {
		r.kept[f.Rule]++
		r.Findings = append(r.Findings, f)
		return
	}
	if r.More == nil {
		r.More = map[string]int{}
	}
	r.More[f.Rule]++
}

// Worst is the severity of the worst finding; ok is false without findings.
func (r *Report) Worst() (worst Severity, ok bool) {
	for _, f := range r.Findings {
		worst = max(worst, f.Severity)
	}
	return worst, len(r.Findings) > 0
}

// Share is the report without anything that somebody wrote: facts, rules and
// counts only.
func (r *Report) Share() *Report {
	shared := *r
	shared.Title = ""
	shared.Facts = slices.DeleteFunc(slices.Clone(r.Facts), func(f Fact) bool { return f.Private })
	shared.Findings = slices.Clone(r.Findings)
	for i := range shared.Findings {
		if f := &shared.Findings[i]; f.Private && f.Plain != "" {
			f.Text = f.Plain
		} else if f.Private {
			f.Where, f.Text = "", ""
		}
	}
	return &shared
}

// Text writes the report for a person. Control characters are made harmless.
func (r *Report) Text(w io.Writer) error {
	var b strings.Builder
	head := r.Kind
	if r.Title != "" {
		head = r.Title + ": " + r.Kind
	}
	fmt.Fprintln(&b, clean(head))
	width := 0
	for _, f := range r.Facts {
		width = max(width, len(f.Name))
	}
	for _, f := range r.Facts {
		fmt.Fprintf(&b, "  %-*s  %s\n", width, clean(f.Name), clean(f.Value))
	}
	if len(r.Findings) == 0 {
		fmt.Fprintln(&b, "Nothing is wrong with it.")
	}
	sorted := slices.Clone(r.Findings)
	slices.SortStableFunc(sorted, func(a, b Finding) int { return int(b.Severity) - int(a.Severity) })
	for _, f := range sorted {
		fmt.Fprintf(&b, "%s: %s", f.Severity, clean(f.Text))
		if f.Where != "" {
			fmt.Fprintf(&b, " (%s)", clean(f.Where))
		}
		fmt.Fprintf(&b, " [%s]\n", f.Rule)
		for _, line := range []struct{ name, value string }{
			{"certainty", f.Certainty}, {"known as", strings.Join(append(slices.Clone(f.Events), f.Articles...), ", ")}, {"remedy", f.Remedy},
		} {
			if line.value != "" {
				fmt.Fprintf(&b, "    %s: %s\n", line.name, clean(line.value))
			}
		}
	}
	for _, rule := range sortedRules(r.More) {
		fmt.Fprintf(&b, "and %d more of [%s]\n", r.More[rule], rule)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func sortedRules(more map[string]int) []string {
	rules := make([]string, 0, len(more))
	for rule := range more {
		rules = append(rules, rule)
	}
	slices.Sort(rules)
	return rules
}

// clean makes control characters visible, so that names from a file cannot
// steer a terminal.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7F && r < 0xA0 || r == 0x2028 || r == 0x2029 || r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 {
			return '\uFFFD'
		}
		return r
	}, s)
}
