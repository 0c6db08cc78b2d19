package answer

import "strings"

// ListItem is one answer to LIST or LSUB.
type ListItem struct {
	// Name is Unicode. Raw is set when the name on the server is not what Name
	// would be written as (not modified UTF-7, or not in its one normal form):
	// such a folder is addressed by RawName(Raw).
	Name, Raw string
	Delimiter string // "" when flat
	// Attributes are as sent: \HasChildren \Noselect \NonExistent \Subscribed \Sent ...
	Attributes []string
	Status     *Status // with ListOptions.Status and LIST-STATUS (RFC 5819)
}

// ListItem reads "(attributes) delimiter name" and passes over what extensions
// add (RFC 5258 3.5). A name that is written without quotes and with spaces is
// read to the end of the line.
func (r *Reader) ListItem() (ListItem, error) {
	item := ListItem{Attributes: []string{}}
	err := r.List(func() error {
		if word := r.Word(); len(word) > 0 {
			item.Attributes = append(item.Attributes, r.words.intern(word))
			return nil
		}
		return r.Wrong("an attribute")
	})
	if err != nil {
		return item, err
	}
	r.Space()
	delimiter, _, err := r.String()
	if err != nil {
		return item, err
	}
	item.Delimiter = Clean(delimiter)
	r.Space()
	var name []byte
	switch r.Peek() {
	case '"', '{':
		name, _, err = r.String()
	default:
		name = r.bareName()
	}
	if err != nil {
		return item, err
	}
	item.Name, item.Raw = r.Name(name)
	return item, nil
}

// bareName is the rest of the line, without the extended data that may stand at
// its end.
func (r *Reader) bareName() []byte {
	rest := r.Rest()
	text := string(rest)
	for _, mark := range []string{` ("CHILDINFO"`, ` ("OLDNAME"`, ` (CHILDINFO`, ` (OLDNAME`} {
		if i := strings.Index(strings.ToUpper(text), mark); i > 0 {
			rest = rest[:i]
			break
		}
	}
	return rest
}

// Status is what a server tells of a folder that is not open. Numbers are -1,
// HighestModSeq 0 and MailboxID empty when they were not told.
type Status struct {
	Name                                   string
	Messages, UIDNext, UIDValidity, Unseen int64
	HighestModSeq                          uint64
	Size                                   int64 // bytes of all messages (RFC 8438)
	MailboxID                              string
}

// NoStatus is a state of which nothing was told.
func NoStatus(name string) Status {
	return Status{Name: name, Messages: -1, UIDNext: -1, UIDValidity: -1, Unseen: -1, Size: -1}
}

// Status reads "name (item value item value)". Values that cannot be read are
// told to odd, and count as not told.
func (r *Reader) Status(odd func(error)) (Status, error) {
	r.Space()
	raw, ok, err := r.String()
	if err != nil || !ok {
		return Status{}, err
	}
	s := NoStatus("")
	s.Name, _ = r.Name(raw)
	err = r.List(func() error {
		name := r.words.intern(r.Atom())
		r.Space()
		return r.statusValue(&s, strings.ToUpper(name), odd)
	})
	return s, err
}

func (r *Reader) statusValue(s *Status, name string, odd func(error)) error {
	var field *int64
	switch name {
	case "MESSAGES":
		field = &s.Messages
	case "UIDNEXT":
		field = &s.UIDNext
	case "UIDVALIDITY":
		field = &s.UIDValidity
	case "UNSEEN":
		field = &s.Unseen
	case "SIZE":
		field = &s.Size
	case "MAILBOXID":
		var err error
		s.MailboxID, err = r.Enclosed()
		return err
	case "X-GUID":
		s.MailboxID = string(r.Atom())
		return nil
	case "HIGHESTMODSEQ":
		n, err := r.Number()
		if err != nil {
			odd(err)
			return r.SkipValue()
		}
		s.HighestModSeq = n
		return nil
	default:
		return r.SkipValue()
	}
	n, err := r.Number()
	if err != nil {
		odd(err)
		return r.SkipValue()
	}
	*field = int64(n)
	return nil
}
