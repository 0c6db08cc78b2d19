package mail

import (
	"slices"
	"strings"
)

// Path names a folder inside one mailbox: the names of its ancestors and its
// own, joined by "/". A "/" or "\" that belongs to a name is written with a
// "\" before it, so that every Unicode name has exactly one Path. The inbox is
// always Inbox, in capitals. Connectors translate between Path and their own
// separators and encodings; nothing else in Waybill knows about those.
type Path string

// Inbox is the folder where new mail arrives (RFC 9051 5.1).
const Inbox Path = "INBOX"

var (
	pathEscaper = strings.NewReplacer(`\`, `\\`, `/`, `\/`)
)

// NewPath joins names, outermost first. A first name that spells INBOX in any
// case becomes Inbox.
func NewPath(names ...string) Path {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteByte('/')
		}
		if i == 0 && strings.EqualFold(n, string(Inbox)) {
			n = string(Inbox)
		}
		_, _ = pathEscaper.WriteString(&b, n)
	}
	return Path(b.String())
}

// Names takes p apart again, outermost first. A path without names is nil.
func (p Path) Names() []string {
	if p == "" {
		return nil
	}
	var names []string
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		switch c := p[i]; {
		case c == '\\' && i+1 < len(p):
			i++
			b.WriteByte(p[i])
		case c == '/':
			names = append(names, b.String())
			b.Reset()
		default:
			b.WriteByte(c)
		}
	}
	return append(names, b.String())
}

// Compare orders folders as people look for them: the inbox first, then by
// their names, each behind the one that it lies in.
func (p Path) Compare(o Path) int {
	if inbox := p == Inbox; inbox != (o == Inbox) {
		if inbox {
			return -1
		}
		return 1
	}
	return slices.Compare(p.Names(), o.Names())
}

// Name is the last name of p.
func (p Path) Name() string {
	names := p.Names()
	if len(names) == 0 {
		return ""
	}
	return names[len(names)-1]
}

// Parent is p without its last name; "" for a folder at the top.
func (p Path) Parent() Path {
	names := p.Names()
	if len(names) < 2 {
		return ""
	}
	return NewPath(names[:len(names)-1]...)
}

// Child is the folder called name inside p.
func (p Path) Child(name string) Path {
	if p == "" {
		return NewPath(name)
	}
	return p + "/" + Path(pathEscaper.Replace(name))
}
