package event

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// pageWidth is the width in columns to which Explain folds its text.
const pageWidth = 78

// Explain is the page about an entry that "waybill explain" prints: what
// happened, why, what to do, which event of the Migration Wizard it descends
// from and what was different then, and related events.
func Explain(e Entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %s\n", e.Code, e.Severity)
	section(&b, "What happened", e.Text)
	section(&b, "Why", e.Explanation)
	section(&b, "What to do", e.Remedy)
	if len(e.Ancestors) > 0 {
		b.WriteString("\nIn the Exchange Migration Wizard\n")
		for i, a := range e.Ancestors {
			if i > 0 {
				b.WriteByte('\n')
			}
			fold(&b, a.Title()+": "+a.Said, "  ")
			fold(&b, a.Difference, "    ")
		}
	}
	if len(e.SeeAlso) > 0 {
		b.WriteString("\nSee also\n")
		for _, code := range e.SeeAlso {
			if other, ok := Lookup(code); ok {
				fold(&b, string(code)+"  "+other.Text, "  ")
			}
		}
	}
	return b.String()
}

// Title names an ancestor with its source and articles: "7044 (Q255888)".
func (a Ancestor) Title() string {
	title := a.ID
	if a.Source != "" {
		title = a.Source + " " + a.ID
	}
	if len(a.Articles) > 0 {
		title += " (" + strings.Join(a.Articles, ", ") + ")"
	}
	return title
}

func section(b *strings.Builder, title, text string) {
	b.WriteString("\n" + title + "\n")
	fold(b, text, "  ")
}

// fold writes text in lines of at most pageWidth columns.
func fold(b *strings.Builder, text, indent string) {
	column := 0
	for word := range strings.FieldsSeq(text) {
		width := utf8.RuneCountInString(word)
		switch {
		case column == 0:
			b.WriteString(indent)
			column = len(indent)
		case column+1+width > pageWidth:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += width
	}
	b.WriteByte('\n')
}
