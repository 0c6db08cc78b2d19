package sample

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// words are what names and texts are made of.
type words struct {
	people, projects, topics, texts, files []string
}

// wordsFor gives words of many scripts, or those that windows-1252 holds.
func wordsFor(western, basic bool) words {
	w := words{
		people: []string{"Anna Schmidt", "Boris Müller", "Chiara Rossi", "Émile Lefèvre", "Søren Kjær", "John O'Hara",
			"María José Peña", "Zoë van den Berg", "Smith, Jane"},
		projects: []string{"Projects", "Archive", "Kunden", "Façade", "Quarter", "R&D", "Año nuevo", "To do"},
		topics: []string{"Minutes of the meeting", "Offer", "Rechnung für März", "Your question", "Plan for the move",
			"Déjeuner vendredi", "Travel expenses", "Server room", "Release 4.2"},
		texts: []string{"Please find the file attached.", "Could we talk about this tomorrow?", "Das Angebot gilt bis Freitag.",
			"From the start this was meant to be simple.", "Nothing changed since last week.", "Les chiffres sont définitifs.",
			"We need 3 more machines in room 12.", "Thank you very much.", "See below < & above > for \"details\"."},
		files: []string{"report.pdf", "Übersicht.xlsx", "photo.jpg", "data.csv", "Protokoll März.docx", "archive.zip", "noextension"},
	}
	if western {
		return w
	}
	w.people = append(w.people, "Дмитрий Иванов", "山田太郎", "Ελένη Παπαδοπούλου", "محمد علي", "Łukasz Żółć")
	w.projects = append(w.projects, "Проекты", "日本支社", "Σχέδια", "Łódź")
	w.topics = append(w.topics, "Протокол совещания", "会議のお知らせ", "Πρόσκληση")
	w.texts = append(w.texts, "Спасибо за письмо.", "よろしくお願いします。", "Ευχαριστώ πολύ.", "شكرا جزيلا", "Zażółć gęślą jaźń")
	w.files = append(w.files, "отчёт.txt", "写真.png")
	if !basic {
		w.people = append(w.people, "🙂 Smile")
		w.topics = append(w.topics, "🎉 Jubiläum")
		w.texts = append(w.texts, "Bis morgen 🙂")
	}
	return w
}

// text makes some paragraphs.
func (w words) text(r *rand.Rand, paragraphs int) string {
	var b strings.Builder
	for range paragraphs {
		for range 1 + r.IntN(6) {
			b.WriteString(pick(r, w.texts))
			b.WriteByte(' ')
		}
		b.WriteString("\r\n\r\n")
	}
	return b.String()
}

// person makes a name with an address.
func (w words) person(r *rand.Rand) (name, address string) {
	n := r.IntN(len(w.people))
	return w.people[n], fmt.Sprintf("person%d@%s.example", n, pick(r, []string{"north", "south", "partner"}))
}

// moment is a time between 1999 and 2019, to the second.
func moment(r *rand.Rand) time.Time {
	return time.Unix(915148800+r.Int64N(631152000), 0).UTC()
}
