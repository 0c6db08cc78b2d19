package mai

import "strings"

// TextHeader is the header that Windows clients wrote as text on top of the body,
// in the sender's language (KB Q119356, Q175958, documented). It alone has the
// message class, the ids and the whole subject (KB Q156844).
type TextHeader struct {
	Class          string // IPM.Microsoft Mail.Note
	Subject        string
	Priority       string
	MessageID      string
	ParentID       string
	ConversationID string
	// Lines is how many lines of the text are header, the line of dashes and the
	// blank lines round it included; 0 when there is no header.
	Lines int
}

// MaxTextHeader is how far into the text a header is looked for, in bytes.
const MaxTextHeader = 8 << 10

// labels in English, German, Spanish and French; German and Spanish as printed in
// KB Q119356, with and without their accents, French by translation (hypothesis).
var labels = map[string]string{
	"subject": "subject", "betreff": "subject", "asunto": "subject", "objet": "subject",
	"priority": "priority", "priorität": "priority", "prioritat": "priority", "prioridad": "priority", "priorité": "priority", "priorite": "priority",
	"message id": "id", "nachrichten-id": "id", "ident. del mensaje": "id",
	"parent message id": "parent", "ident. del mensaje principal": "parent",
	"conversation id": "conversation",
	"from":            "from", "von": "from", "de": "from", "to": "to", "an": "to", "para": "to", "date": "date", "datum": "date", "fecha": "date",
}

// ParseTextHeader reads the header at the beginning of a text.
func ParseTextHeader(text string) (h TextHeader) {
	n := 0
	inside := false
	for line := range strings.SplitSeq(text, "\n") {
		if n++; n > 200 {
			break
		}
		line = strings.TrimRight(line, "\r ")
		if !inside {
			// "Microsoft Mail v3.0 IPM.Microsoft Mail.Note"
			at := strings.Index(line, " IPM.")
			switch {
			case line == "" && n < 3:
				continue
			case strings.HasPrefix(line, "Microsoft Mail v") && at > 0:
				h.Class, inside = line[at+1:], true
				continue
			}
			return TextHeader{}
		}
		if dashes(line) {
			h.Lines = n
			return h
		}
		label, value, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		switch labels[strings.ToLower(strings.TrimSpace(label))] {
		case "subject":
			h.Subject = value
		case "priority":
			h.Priority = value
		case "id":
			h.MessageID = value
		case "parent":
			h.ParentID = value
		case "conversation":
			h.ConversationID = value
		}
	}
	return h
}

// dashes is the line below a header (KB Q94410: 78 dashes).
func dashes(line string) bool {
	return len(line) >= 10 && strings.Trim(line, "-") == ""
}
