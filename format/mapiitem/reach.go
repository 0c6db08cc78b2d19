package mapiitem

import (
	"strings"

	"waybill/format/mapi"
	"waybill/format/mapiitem/contentline"
)

// electronic writes addresses of mail, messengers and pages ([MS-OXOCNTC] 2.2.1.2,
// 2.2.1.10).
func (c *converter) electronic() {
	p := c.p
	n := 0
	for i := range uint32(3) {
		base := 0x8080 + i*0x10
		shown, kind := p.text(p.address(base)), p.text(p.address(base+2))
		address, original := p.text(p.address(base+3)), p.text(p.address(base+4))
		p.skip(p.address(base + 5)) // the entry id of the same address
		smtp, old := c.smtp(kind, address)
		if smtp == "" && strings.Contains(original, "@") && !strings.ContainsAny(original, " /") {
			smtp = original
		}
		if smtp == "" && old == "" {
			continue
		}
		n++
		rank := contentline.P("PREF", string(rune('0'+n)))
		if smtp == "" {
			c.note("address-unresolved", "The address %q has no Internet form; it is kept as X-EMAIL.", old)
			c.doc.AddText("X-EMAIL", old, rank, contentline.P("TYPE", contentline.Token(kind)))
			continue
		}
		params := []contentline.Param{rank}
		// The display name is mostly the contact's name with the address in
		// brackets, which says nothing new.
		if bare := strings.TrimSpace(strings.ReplaceAll(shown, "("+address+")", "")); bare != "" && bare != smtp && bare != c.item.Title {
			params = append(params, contentline.P("X-CN", bare))
		}
		c.doc.Add("EMAIL", contentline.Text(smtp), params...)
		if old != "" {
			c.doc.AddText("X-OLD-EMAIL", old)
		}
		c.say("E-mail", smtp)
	}
	for i := range uint32(3) { // mail to fax machines: the numbers are among the phones
		base := 0x80B0 + i*0x10
		p.skip(p.address(base), p.address(base+2), p.address(base+3), p.address(base+4), p.address(base+5))
	}
	if im := p.text(p.address(0x8062)); im != "" {
		c.doc.Add("IMPP", messenger(im))
	}
	c.page("home", 0x3A50)
	c.page("work", 0x3A51)
	c.page("x-ftp", 0x3A4C)
	if page := p.text(p.address(0x802B)); page != "" && page != p.text(0x3A51) && page != p.text(0x3A50) {
		c.doc.Add("URL", contentline.URI(page))
	}
}

func (c *converter) page(kind string, id mapi.ID) {
	if page := c.p.text(id); page != "" {
		c.doc.Add("URL", contentline.URI(page), contentline.P("TYPE", kind))
	}
}

// messenger makes a URI of a messenger's address (RFC 6350 6.4.3).
func messenger(im string) string {
	if scheme, _, ok := strings.Cut(im, ":"); ok && scheme != "" && contentline.Token(scheme) == scheme && !strings.Contains(im, " ") {
		return contentline.URI(im)
	}
	return "im:" + contentline.URI(im)
}

// smtp gives the Internet form of an address, if there is one; old is the
// address as it was where it was another.
func (c *converter) smtp(kind, address string) (smtp, old string) {
	address = oneLine(address)
	switch {
	case address == "", strings.EqualFold(kind, "UNKNOWN") && !strings.Contains(address, "@"):
		return "", ""
	case strings.EqualFold(kind, "SMTP"):
		return address, ""
	case strings.EqualFold(kind, "EX") || strings.HasPrefix(address, "/"):
		if c.o.Resolve != nil {
			if found, ok := c.o.Resolve(c.ctx, address); ok {
				return found, "EX:" + address
			}
		}
		return "", "EX:" + address
	case strings.Contains(address, "@") && !strings.ContainsAny(address, " \t") && !strings.EqualFold(kind, "FAX"):
		return address, ""
	case kind == "":
		return "", address
	default:
		return "", kind + ":" + address
	}
}

// phoneKinds are the telephone numbers of a contact ([MS-OXOCNTC] 2.2.1.4) in the
// words of RFC 6350 6.4.1; kinds that it does not know begin with x-.
var phoneKinds = [...]struct {
	id    mapi.ID
	types []string
}{
	{0x3A1A, []string{"voice", "x-primary"}},
	{0x3A08, []string{"work", "voice"}},
	{0x3A1B, []string{"work", "voice"}},
	{0x3A09, []string{"home", "voice"}},
	{0x3A2F, []string{"home", "voice"}},
	{0x3A1C, []string{"cell", "voice"}},
	{0x3A24, []string{"work", "fax"}},
	{0x3A25, []string{"home", "fax"}},
	{0x3A23, []string{"fax", "x-primary"}},
	{0x3A21, []string{"pager"}},
	{0x3A1E, []string{"voice", "x-car"}},
	{0x3A1D, []string{"voice", "x-radio"}},
	{0x3A02, []string{"voice", "x-callback"}},
	{0x3A57, []string{"work", "voice", "x-company-main"}},
	{0x3A2E, []string{"work", "voice", "x-assistant"}},
	{0x3A2D, []string{"x-isdn"}},
	{0x3A2C, []string{"x-telex"}},
	{0x3A4B, []string{"textphone"}},
	{0x3A1F, []string{"voice"}},
}

func (c *converter) phones() {
	for _, k := range phoneKinds {
		for _, number := range c.p.texts(k.id) {
			c.doc.AddText("TEL", number, contentline.P("TYPE", k.types...), contentline.P("VALUE", "text"))
			c.say("Telephone ("+strings.Join(k.types, ", ")+")", number)
		}
	}
}

// place is a postal address.
type place struct {
	box, street, city, state, code, country, label string
	kind                                           string
}

func (a *place) empty() bool {
	return a.box+a.street+a.city+a.state+a.code+a.country+a.label == ""
}

// addresses writes the postal addresses ([MS-OXOCNTC] 2.2.1.3).
func (c *converter) addresses() {
	p := c.p
	t, a := p.text, func(lid uint32) string { return p.text(p.address(lid)) }
	work := place{kind: "work", box: a(0x804A), street: a(0x8045), city: a(0x8046), state: a(0x8047), code: a(0x8048), country: a(0x8049), label: a(0x801B)}
	home := place{kind: "home", box: t(0x3A5E), street: t(0x3A5D), city: t(0x3A59), state: t(0x3A5C), code: t(0x3A5B), country: t(0x3A5A), label: a(0x801A)}
	other := place{kind: "", box: t(0x3A64), street: t(0x3A63), city: t(0x3A5F), state: t(0x3A62), code: t(0x3A61), country: t(0x3A60), label: a(0x801C)}
	// The mailing address is a copy of that which PidLidPostalAddressId names; old
	// items have nothing else.
	mailing := place{box: t(0x3A2B), street: t(0x3A29), city: t(0x3A27), state: t(0x3A28), code: t(0x3A2A), country: t(0x3A26), label: t(0x3A15)}
	which, _ := p.int(p.address(0x8022))
	chosen := map[int64]*place{1: &home, 2: &work, 3: &other}[which]
	for _, one := range []*place{&work, &home, &other} {
		if !one.empty() {
			c.place(one, one == chosen)
		}
	}
	same := func(b *place) bool {
		x, y := *b, mailing
		x.kind, x.label, y.label = "", "", ""
		return x == y || mailing.label != "" && mailing.label == b.label
	}
	if !mailing.empty() && !same(&work) && !same(&home) && !same(&other) {
		if chosen != nil && chosen.empty() {
			mailing.kind = chosen.kind
		}
		c.place(&mailing, true)
	}
	for _, lid := range []uint32{0x80DA, 0x80DB, 0x80DC, 0x80DD} {
		p.skip(p.address(lid)) // codes of the countries that the addresses name
	}
}

func (c *converter) place(a *place, preferred bool) {
	var params []contentline.Param
	if a.kind != "" {
		params = append(params, contentline.P("TYPE", a.kind))
	}
	if preferred {
		params = append(params, contentline.P("PREF", "1"))
	}
	if a.label != "" {
		params = append(params, contentline.P("LABEL", strings.ReplaceAll(a.label, "\r\n", "\n")))
	}
	c.doc.Add("ADR", contentline.Compound(a.box, "", a.street, a.city, a.state, a.code, a.country), params...)
	c.say("Address", strings.Join(strings.Fields(strings.Join([]string{a.street, a.code, a.city, a.country}, " ")), " "))
}
