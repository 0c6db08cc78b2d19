package msmail

import (
	"fmt"
	"strings"

	"waybill/connector/migfile/canon"
	"waybill/failure"
	mf "waybill/format/migfile"
	"waybill/format/mime"
	"waybill/format/msmail"
	"waybill/mail"
)

// listKey is the key of the message with personal address lists.
const listKey = "personal-list"

// maxList bounds the message with a user's lists, which is made in memory.
const maxList = 32 << 20

// addressBook makes a message of the user's personal address lists: a readable text
// and all entries as vCards (RFC 2426). The Wizard left these lists behind.
func (m *mailbox) addressBook() (*letter, error) {
	var readable, cards strings.Builder
	readable.WriteString("This message holds your personal address list. Open the attachment to take the entries over.\r\n\r\n")
	entries, groups := 0, 0
	over := func(file string) error {
		if readable.Len()+cards.Len() <= maxList {
			return nil
		}
		return failure.New(failure.TooLarge, "read address list", file, "msmail.list-size", fmt.Errorf("more than %d bytes", maxList))
	}
	for _, list := range m.source.lists[m.person.bag] {
		for _, e := range list.Entries {
			if e.Kind == msmail.GroupList {
				continue
			}
			if err := over(list.File); err != nil {
				return nil, err
			}
			entries++
			name, addresses := canon.Clean(e.Alias), m.addressesOf(e)
			fmt.Fprintf(&readable, "%s: %s\r\n", name, strings.Join(addresses, "; "))
			_, _ = cards.Write(mf.EntryCard(name, addresses, mf.Record{}))
		}
		for _, g := range list.Groups {
			groups++
			name := canon.Clean(g.Alias)
			var members []string
			for _, e := range g.Members {
				if err := over(list.File); err != nil {
					return nil, err
				}
				if of := m.addressesOf(e); len(of) > 0 {
					members = append(members, of[0])
				} else {
					members = append(members, canon.Clean(e.Alias))
				}
			}
			fmt.Fprintf(&readable, "%s (group): %s\r\n", name, strings.Join(members, "; "))
			_, _ = cards.Write(mf.GroupCard(name, members, mf.Record{}))
		}
	}
	l := &letter{flags: mail.FlagSet{}}
	l.note(noteList, "a personal address list of %d entries and %d groups is kept as a message with vCards", entries, groups)
	if m.source.opt.seen {
		l.flags.System |= mail.Seen
	}
	owner, _ := m.source.names.party(msmail.Party{Name: m.person.user.Name, Address: m.msAddress()})
	text, vcards := readable.String(), cards.String()
	l.message = mime.Message{From: []mime.Address{owner}, To: []mime.Address{owner}, Subject: "Personal Address List", Seed: "NME/" + m.person.bag.String() + ".NME",
		Root: &mime.Entity{Type: "multipart/mixed", Parts: []*mime.Entity{
			{Type: "text/plain", Text: true, Size: int64(len(text)), Open: inMemory(text)},
			{Type: "text/vcard", Text: true, Disposition: "attachment", Name: "Personal Address List.vcf", Size: int64(len(vcards)), Open: inMemory(vcards)},
		}}}
	return l, nil
}

// addressesOf is the address of an entry, where it has one.
func (m *mailbox) addressesOf(e msmail.Member) []string {
	if e.Address.Value == "" {
		return nil
	}
	return []string{address(e.Address).String()}
}

func (m *mailbox) msAddress() msmail.Address {
	if a, ok := m.person.user.Address("MS"); ok {
		return msmail.Address{Type: a.Type, Value: a.Value}
	}
	return msmail.Address{}
}
