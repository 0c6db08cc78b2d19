package parts

import "strings"

// WriteStructure describes a part (RFC 9051 7.5.2), as BODYSTRUCTURE or, less of
// it, as BODY.
func WriteStructure(l *Line, e *Part, extended bool) {
	l.Add("(")
	if len(e.Children) > 0 {
		for _, child := range e.Children {
			WriteStructure(l, child, extended)
		}
		l.Add(" ").str(e.kind.sub)
		if extended {
			l.Add(" ")
			writeParams(l, e.kind.params)
		}
	} else {
		writeSingle(l, e, extended)
	}
	if extended {
		l.Add(" ")
		writeDisposition(l, e.Raw)
		l.Add(" ")
		writeLanguages(l, e.Raw)
		l.Add(" ").nstr(field(e.Raw, "Content-Location"))
	}
	l.Add(")")
}

func writeSingle(l *Line, e *Part, extended bool) {
	kind := e.kind
	if kind.isMessage() && e.Message == nil {
		kind = kind.opaque() // it is encoded, and cannot be described as a message
	}
	if kind.primary == "text" && len(kind.params) == 0 {
		kind.params = []param{{"charset", "us-ascii"}}
	}
	l.str(kind.primary).Add(" ").str(kind.sub).Add(" ")
	writeParams(l, kind.params)
	l.Add(" ").nstr(field(e.Raw, "Content-ID")).Add(" ").nstr(field(e.Raw, "Content-Description")).Add(" ").str(encodingOf(e.Raw))
	l.Add(" %d", e.Body.Size())
	if e.Message != nil {
		l.Add(" ")
		WriteEnvelope(l, e.Message.Raw)
		l.Add(" ")
		WriteStructure(l, e.Message, extended)
	}
	if e.Message != nil || kind.primary == "text" {
		l.Add(" %d", e.lines)
	}
	if extended {
		l.Add(" NIL") // MD5
	}
}

func writeParams(l *Line, params []param) {
	if len(params) == 0 {
		l.Add("NIL")
		return
	}
	for i, p := range params {
		if i == 0 {
			l.Add("(")
		} else {
			l.Add(" ")
		}
		l.str(p.name).Add(" ").str(p.value)
	}
	l.Add(")")
}

func writeDisposition(l *Line, header []byte) {
	value, rest, _ := strings.Cut(field(header, "Content-Disposition"), ";")
	value = strings.ToLower(strings.TrimSpace(value))
	if value == "" || !printableASCII(value) {
		l.Add("NIL")
		return
	}
	l.Add("(").str(value).Add(" ")
	writeParams(l, parameters(rest))
	l.Add(")")
}

func writeLanguages(l *Line, header []byte) {
	languages := languagesOf(header)
	if len(languages) == 0 {
		l.Add("NIL")
		return
	}
	for i, language := range languages {
		if i == 0 {
			l.Add("(")
		} else {
			l.Add(" ")
		}
		l.str(language)
	}
	l.Add(")")
}

func encodingOf(header []byte) string {
	encoding, _, _ := strings.Cut(strings.ToLower(field(header, "Content-Transfer-Encoding")), ";")
	if encoding = strings.TrimSpace(encoding); encoding == "" || !printableASCII(encoding) {
		return "7bit"
	}
	return encoding
}

func languagesOf(header []byte) []string {
	var all []string
	for l := range strings.SplitSeq(field(header, "Content-Language"), ",") {
		if l = strings.TrimSpace(l); l != "" && len(all) < maxParams {
			all = append(all, l)
		}
	}
	return all
}

// WriteEnvelope writes the fields of ENVELOPE (RFC 9051 7.5.2) as they are:
// encoded words stay encoded.
func WriteEnvelope(l *Line, header []byte) {
	l.Add("(").nstr(field(header, "Date")).Add(" ").nstr(field(header, "Subject"))
	from := addresses(field(header, "From"))
	for _, name := range []string{"From", "Sender", "Reply-To", "To", "Cc", "Bcc"} {
		list := from
		if name != "From" {
			list = addresses(field(header, name))
		}
		if len(list) == 0 && (name == "Sender" || name == "Reply-To") {
			list = from
		}
		l.Add(" ")
		writeAddresses(l, list)
	}
	l.Add(" ").nstr(field(header, "In-Reply-To")).Add(" ").nstr(field(header, "Message-ID")).Add(")")
}

func writeAddresses(l *Line, list []address) {
	if len(list) == 0 {
		l.Add("NIL")
		return
	}
	l.Add("(")
	for _, a := range list {
		l.Add("(").nstr(a.name).Add(" NIL ").nstr(a.mailbox).Add(" ").nstr(a.host).Add(")")
	}
	l.Add(")")
}

// address is one of a list. One without a host begins a group, one without
// anything ends it.
type address struct{ name, mailbox, host string }

// maxAddresses is how many addresses of one field are shown.
const maxAddresses = 10_000

// noHost stands for a missing host: without one, an address would be taken for
// the beginning of a group.
const noHost = "missing-host"

// addresses reads an address list (RFC 5322 3.4) without refusing anything.
func addresses(text string) []address {
	var all []address
	group := false
	for len(text) > 0 && len(all) < maxAddresses {
		one, end, rest := nextAddress(text)
		text = rest
		switch {
		case end == ':' && !group:
			group = true
			all = append(all, address{mailbox: strings.TrimSpace(unquoted(one))})
			continue
		case strings.TrimSpace(one) != "":
			all = append(all, oneAddress(one))
		}
		if end == ';' && group {
			group = false
			all = append(all, address{})
		}
	}
	if group {
		all = append(all, address{})
	}
	return all
}

// nextAddress cuts at the first ",", ":" or ";" outside quotes, comments and
// angle brackets.
func nextAddress(text string) (one string, end byte, rest string) {
	quoted, angle, comment := false, false, 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\':
			i++
		case c == '"' && comment == 0:
			quoted = !quoted
		case quoted:
		case c == '(':
			comment++
		case c == ')' && comment > 0:
			comment--
		case comment > 0:
		case c == '<':
			angle = true
		case c == '>':
			angle = false
		case !angle && (c == ',' || c == ':') || c == ';':
			return text[:i], c, text[i+1:]
		}
	}
	return text, 0, ""
}

func oneAddress(text string) address {
	var a address
	spec := text
	if open := strings.LastIndexByte(text, '<'); open >= 0 {
		a.name = unquoted(text[:open])
		spec, _, _ = strings.Cut(text[open+1:], ">")
	} else if before, rest, ok := strings.Cut(text, "("); ok {
		comment, behind, _ := strings.Cut(rest, ")")
		spec = before + behind
		a.name = strings.TrimSpace(comment)
	}
	spec = strings.TrimSpace(spec)
	if strings.HasPrefix(spec, "@") { // a route
		if _, behind, ok := strings.Cut(spec, ":"); ok {
			spec = behind
		}
	}
	a.mailbox, a.host = spec, noHost
	if at := strings.LastIndexByte(spec, '@'); at >= 0 {
		a.mailbox, a.host = unquoted(spec[:at]), strings.TrimSpace(spec[at+1:])
	}
	if a.host == "" {
		a.host = noHost
	}
	return a
}

// unquoted takes the quotes off a phrase.
func unquoted(text string) string {
	text = strings.TrimSpace(text)
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return text
	}
	var b strings.Builder
	for i := 1; i < len(text)-1; i++ {
		if text[i] == '\\' && i+1 < len(text)-1 {
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
