package mapiitem

import (
	"strings"

	"waybill/format/mapi"
	"waybill/format/mapiitem/contentline"
	"waybill/format/mapiitem/entryid"
)

// Properties of a personal distribution list ([MS-OXOCNTC] 2.2.2).
const (
	lidListName     = 0x8053
	lidListOneOffs  = 0x8054
	lidListMembers  = 0x8055
	lidListStream   = 0x8064
	lidListChecksum = 0x804C
)

// maxMembers bounds a list; Outlook's end far below.
const maxMembers = 50000

// list writes a vCard of kind group (RFC 6350 6.1.4) of an IPM.DistList.
func (c *converter) list() error {
	p := c.p
	c.item.MediaType = typeCard
	c.item.Date = c.stamp()
	c.begin("group")
	name := p.first(p.address(lidListName), mapi.DisplayName, mapi.Subject)
	p.skip(p.address(lidFileUnder), p.address(lidListChecksum))
	if name == "" {
		name = "(no name)"
		c.note("name-missing", "The list has no name; it is called (no name).")
	}
	c.item.Title = oneLine(name)
	c.doc.AddText("FN", name)
	c.say("List", name)
	for i, m := range c.members() {
		if i >= maxMembers {
			c.note("members-too-many", "Of the list's members the first %d are carried.", maxMembers)
			break
		}
		c.member(m)
	}
	c.extras()
	if b := c.body(p); b.text != nil {
		c.doc.AddStream("NOTE", "", b.text)
		if b.html != nil || b.lost {
			c.note("formatting-left-out", "The notes of the list are carried as plain text.")
		}
	}
	if err := c.attachments("card"); err != nil {
		return err
	}
	c.userFields()
	c.doc.End("VCARD")
	return nil
}

// members finds the members where they are stored: in one stream, or in two lists
// side by side.
func (c *converter) members() []entryid.StreamMember {
	p := c.p
	if b := p.binary(p.address(lidListStream)); len(b) > 0 {
		p.skip(p.address(lidListMembers), p.address(lidListOneOffs))
		members, err := entryid.ParseStream(b)
		if err != nil {
			c.note("members-damaged", "Not all members of the list can be read: %v.", err)
		}
		if len(members) > 0 {
			return members
		}
	}
	ids, oneOffs := c.binaries(p.address(lidListMembers)), c.binaries(p.address(lidListOneOffs))
	members := make([]entryid.StreamMember, 0, max(len(ids), len(oneOffs)))
	for i := range max(len(ids), len(oneOffs)) {
		var m entryid.StreamMember
		if i < len(ids) {
			m.ID = ids[i]
		}
		if i < len(oneOffs) {
			m.OneOff = oneOffs[i]
		}
		members = append(members, m)
	}
	return members
}

// binaries are the values of a property with several binary ones.
func (c *converter) binaries(id mapi.ID) (list [][]byte) {
	c.p.skip(id)
	v, ok := c.p.Get(id)
	if !ok {
		return nil
	}
	for _, one := range v.Many {
		single := mapi.NewProps(nil, 0)
		single.Set(id, mapi.Value{Type: mapi.TypeBinary, Data: one.Data})
		list = append(list, single.Binary(id))
	}
	return list
}

// member writes one member. The one-off entry id beside the true one has name
// and address as they were when the list was last saved.
func (c *converter) member(m entryid.StreamMember) {
	text := func(b []byte) string { return mapi.DecodeText(b, c.p.CodePage) }
	id, err := entryid.Parse(m.ID, text)
	beside, besideErr := entryid.Parse(m.OneOff, text)
	if err != nil && besideErr != nil {
		c.note("member-unreadable", "A member of the list cannot be read: %v.", err)
		return
	}
	name, address := id.Name, ""
	old := ""
	if id.Kind == entryid.OneOff || id.Kind == entryid.Book {
		address, old = c.smtp(id.AddressType, id.Address)
	}
	if address == "" && id.Item != nil && c.o.Member != nil {
		if found, ok := c.o.Member(c.ctx, id.Item); ok {
			name, address = found.Name, found.Address
		}
	}
	if besideErr == nil && address == "" {
		var besideOld string
		address, besideOld = c.smtp(beside.AddressType, beside.Address)
		if besideOld != "" {
			old = besideOld
		}
	}
	if besideErr == nil && name == "" {
		name = beside.Name
	}
	name = oneLine(name)
	var params []contentline.Param
	if name != "" && name != address {
		params = append(params, contentline.P("X-CN", name))
	}
	switch {
	case address != "":
		c.doc.Add("MEMBER", "mailto:"+contentline.URI(address), params...)
		c.say("Member", strings.TrimSpace(name+" <"+address+">"))
	case name != "" || old != "":
		// MEMBER takes URIs only: RFC 6350 6.6.5.
		c.note("member-without-address", "The member %q of the list has no Internet address; it is kept as X-MEMBER.", name+" "+old)
		if old != "" {
			params = append(params, contentline.P("X-OLD-ADDRESS", old))
		}
		c.doc.AddText("X-MEMBER", firstOf(name, old), params...)
		c.say("Member", firstOf(name, old))
	default:
		c.note("member-unresolved", "A member of the list is an entry of the address book that cannot be found (%d bytes of entry id).", len(m.ID))
	}
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
