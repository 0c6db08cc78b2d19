package postoffice

import "strings"

var (
	firsts = strings.Fields("Anna Bernd Clara David Emil Fiona Georg Hanna Ingrid Jörg Karin Lukas Maria Nils Olga Peter Quentin Rosa Stefan Tina Ulrike Viktor Wanda Xaver Yvonne Zoë René Åsa Märta")
	lasts  = strings.Fields("Abel Berg Claussen Dünser Eck Falk Graf Huber Iversen Jäger Kühn Lang Möller Noll Ott Pohl Quast Roth Sørensen Thiel Uhl Vogt Weiß Xander York Zell Åberg Muñoz Núñez")
	words  = strings.Fields("the budget for next year is attached please read it before our meeting on Friday in room twelve and bring your figures with you because we have to decide about the new server which rests in the cellar since March and nobody wants to pay for its memory or disk while the old one works as if it were young again")
)

// person gives a name that nobody else has, and its mailbox.
func (w *writer) person() (alias, mailbox string) {
	for n := 0; ; n++ {
		first, last := firsts[w.rng.IntN(len(firsts))], lasts[w.rng.IntN(len(lasts))]
		alias = first + " " + last
		if n > 3 {
			alias = first + " " + string(rune('A'+w.rng.IntN(26))) + ". " + last
		}
		mailbox = login(first[:1] + last)
		if n > 2 {
			mailbox = mailbox[:min(len(mailbox), 6)] + w.digits(3)
		}
		if w.names[alias] || w.names[strings.ToUpper(mailbox)] || len(w.code(alias)) > 30 {
			continue
		}
		w.names[alias], w.names[strings.ToUpper(mailbox)] = true, true
		return alias, mailbox
	}
}

// login keeps the letters that a mailbox name can have.
func login(s string) string {
	out := strings.Map(func(r rune) rune {
		if r < 0x80 && (r|0x20 >= 'a' && r|0x20 <= 'z' || r >= '0' && r <= '9') {
			return r
		}
		return -1
	}, s)
	if len(out) < 3 {
		out += "abc"
	}
	return out[:min(len(out), 10)]
}

func (w *writer) digits(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + w.rng.IntN(10))
	}
	return string(b)
}

func (w *writer) phrase(n int) string {
	at := w.rng.IntN(len(words))
	var list []string
	for i := range n {
		list = append(list, words[(at+i)%len(words)])
	}
	return strings.ToUpper(list[0][:1]) + strings.Join(list, " ")[1:]
}

// body is a text of paragraphs, with characters beyond ASCII.
func (w *writer) body() string {
	var b strings.Builder
	for range 1 + w.rng.IntN(4) {
		b.WriteString(w.phrase(5 + w.rng.IntN(30)))
		b.WriteString(".\r\n")
		if w.rng.IntN(4) == 0 {
			b.WriteString("Grüße aus Köln, ça va très bien.\r\n")
		}
	}
	if n := w.rng.IntN(120); n < 10 { // longer than the blocks of any cipher, and seldom than any buffer
		line := w.phrase(14) + ".\r\n"
		for b.Len() < 4_000 || n == 0 && b.Len() < 40_000 {
			b.WriteString(line)
		}
	}
	return b.String()
}
