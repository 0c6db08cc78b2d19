package mapiitem

import (
	"strings"
	"time"

	"waybill/format/mapi"
)

// props reads properties and remembers which, so that in the end it is known
// what nobody asked for.
type props struct {
	*mapi.Props
	seen map[mapi.ID]bool
}

func watch(p *mapi.Props) *props { return &props{Props: p, seen: map[mapi.ID]bool{}} }

// The IDs of named properties; 0, under which nothing is set, where the file has
// no such name. The numbers are those of [MS-OXPROPS].
func (p *props) address(lid uint32) mapi.ID { return p.Find(mapi.Name{Set: mapi.SetAddress, ID: lid}) }
func (p *props) appointment(lid uint32) mapi.ID {
	return p.Find(mapi.Name{Set: mapi.SetAppointment, ID: lid})
}
func (p *props) common(lid uint32) mapi.ID  { return p.Find(mapi.Name{Set: mapi.SetCommon, ID: lid}) }
func (p *props) task(lid uint32) mapi.ID    { return p.Find(mapi.Name{Set: mapi.SetTask, ID: lid}) }
func (p *props) log(lid uint32) mapi.ID     { return p.Find(mapi.Name{Set: mapi.SetLog, ID: lid}) }
func (p *props) sticky(lid uint32) mapi.ID  { return p.Find(mapi.Name{Set: mapi.SetNote, ID: lid}) }
func (p *props) meeting(lid uint32) mapi.ID { return p.Find(mapi.Name{Set: mapi.SetMeeting, ID: lid}) }
func (p *props) public(name string) mapi.ID {
	return p.Find(mapi.Name{Set: mapi.PublicStrings, Text: name})
}

// skip marks properties as asked for.
func (p *props) skip(ids ...mapi.ID) {
	for _, id := range ids {
		p.seen[id] = true
	}
}

// text is a text without white space around it.
func (p *props) text(id mapi.ID) string {
	p.seen[id] = true
	return strings.TrimSpace(p.Text(id))
}

// first is the first of several texts that is not empty. All are marked.
func (p *props) first(ids ...mapi.ID) (text string) {
	for _, id := range ids {
		if t := p.text(id); text == "" {
			text = t
		}
	}
	return text
}

// texts are the values of a property with several, the empty ones left out.
func (p *props) texts(id mapi.ID) (list []string) {
	p.seen[id] = true
	for _, t := range p.Texts(id) {
		if t = strings.TrimSpace(t); t != "" {
			list = append(list, t)
		}
	}
	return list
}

func (p *props) bool(id mapi.ID) bool {
	p.seen[id] = true
	return p.Bool(id)
}

func (p *props) int(id mapi.ID) (n int64, ok bool) {
	p.seen[id] = true
	return p.Int(id)
}

func (p *props) time(id mapi.ID) (t time.Time, ok bool) {
	p.seen[id] = true
	return p.Time(id)
}

func (p *props) binary(id mapi.ID) []byte {
	p.seen[id] = true
	return p.Binary(id)
}
