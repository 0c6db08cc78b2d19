package event

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ancestry is the index from numbers of the Migration Wizard to codes, one row
// of a Markdown table each, ordered by number.
func ancestry(all []Entry) []string {
	type line struct {
		number   int
		source   string
		articles []string
		codes    []string
	}
	var lines []*line
	for _, e := range all {
		for _, a := range e.Ancestors {
			number, _ := strconv.Atoi(a.ID)
			source := cmp.Or(a.Source, "MSExchangeMig")
			i := slices.IndexFunc(lines, func(l *line) bool { return l.number == number && l.source == source })
			if i < 0 {
				i = len(lines)
				lines = append(lines, &line{number: number, source: source})
			}
			l := lines[i]
			for _, q := range a.Articles {
				if !slices.Contains(l.articles, q) {
					l.articles = append(l.articles, q)
				}
			}
			l.codes = append(l.codes, fmt.Sprintf("[%s](#%s)", e.Code, strings.ToLower(string(e.Code))))
		}
	}
	slices.SortFunc(lines, func(a, b *line) int {
		return cmp.Or(cmp.Compare(a.number, b.number), strings.Compare(a.source, b.source))
	})
	rows := make([]string, len(lines))
	for i, l := range lines {
		rows[i] = fmt.Sprintf("| %d | %s | %s | %s |", l.number, l.source, strings.Join(l.articles, ", "), strings.Join(l.codes, ", "))
	}
	return rows
}
