package rewrite

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill/connector/migfile/canon"
	"waybill/directory"
	mf "waybill/format/migfile"
)

func TestRecognize(t *testing.T) {
	const ex = "EX:/o=org/ou=site/cn=recipients/cn=anna"
	const x400 = "X400:a=mail;c=de;g=anna;p=org;s=berg"
	for text, want := range map[string]string{
		"IMCEAEX-_O=ORG_OU=SITE_CN=RECIPIENTS_CN=ANNA@host.example":         ex,
		"imceaex-_o=Org_ou=Site_cn=Recipients_cn=Anna@host.example":         ex,
		"IMCEAEX-_O=ORG_OU=SITE_CN=\r\n RECIPIENTS_CN=ANNA@host.example":    ex,
		"IMCEAEX-_O=FIRST+20ORG_CN=A+2EB@migrated.invalid":                  "EX:/o=first org/cn=a.b",
		`"IMCEAEX-_O=ORG_CN=A"@host.example`:                                "EX:/o=org/cn=a",
		"/o=Org/ou=Site/cn=Recipients/cn=Anna":                              ex,
		"/O=ORG/OU=SITE/CN=RECIPIENTS/CN=ANNA@host.example":                 ex,
		`"/O=ORG/OU=SITE/CN=RECIPIENTS/CN=ANNA"@host.example`:               ex,
		"EX:/o=Org/ou=Site/cn=Recipients/cn=Anna":                           ex,
		"x500:/o=Org/ou=Site/cn=Recipients/cn=Anna":                         ex,
		"/o=Org/ou=First\r\n Site/cn=anna":                                  "EX:/o=org/ou=first site/cn=anna",
		"MS:NET/PO/ANNA":                                                    "MS:net/po/anna",
		"IMCEAMS-NET_PO_ANNA@migrated.invalid":                              "MS:net/po/anna",
		"IMCEACCMAIL-ANNA+20at+20PO@host.example":                           "CCMAIL:anna at po",
		"c=de;a=Mail;p=Org;s=Berg;g=Anna;":                                  x400,
		"g=Anna; s=Berg; p=Org; a=Mail; c=DE":                               x400,
		"X400:c=DE;ADMD=Mail;PRMD=Org;Surname=Berg;Given-Name=Anna":         x400,
		"/G=Anna/S=Berg/PRMD=Org/ADMD=Mail/C=de/@gw.example":                x400,
		"IMCEAX400-c=de+3Ba=Mail+3Bp=Org+3Bs=Berg+3Bg=Anna+3B@host.example": x400,
		"X400:c=us;a= ;p=Org;o=Site;s=Berg;DDA:X=y":                         "X400:c=us;dda:x=y;o=site;p=org;s=berg",
	} {
		old, ok := recognize(text)
		if got := keyOf(old); !ok || got != want {
			t.Errorf("%q is %q (%v), want %q", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "anna@example.org", "IMCEA", "IMCEA-x@h", "IMCEAEX-@h", "IMCEAEX@h", "IMCEASMTP-anna+40example.org@h", "IMCEATOOLONGTYPE-x@h", "mailto:anna@example.org",
		"/home/anna", "NET/PO/ANNA", "MS:", "/x=y/@h", "a=b;c", "Anna", "http://example.org", "/o=" + strings.Repeat("x", maxOld) + "/cn=a", "no-address@migrated.invalid"} {
		if old, ok := recognize(text); ok {
			t.Errorf("%.40q is taken for %s", text, old)
		}
	}
}

func TestWhoKnowsBest(t *testing.T) {
	ex := directory.Address{Type: "EX", Value: "/o=Org/cn=Anna"}
	smtp := func(v string) directory.Address { return directory.Address{Type: "SMTP", Value: v} }
	for name, c := range map[string]struct {
		add  func(m *Maker)
		want string
	}{
		"nobody": {func(m *Maker) { m.Add(0, []directory.Address{ex}) }, ""},
		"first":  {func(m *Maker) { m.Add(0, []directory.Address{ex, smtp("a@x.example"), smtp("b@x.example")}) }, "a@x.example"},
		"rank": {func(m *Maker) {
			m.Add(1, []directory.Address{smtp("a@x.example"), ex})
			m.Add(0, []directory.Address{smtp("b@x.example"), ex})
			m.Add(2, []directory.Address{smtp("c@x.example"), ex})
		}, "b@x.example"},
		"two": {func(m *Maker) {
			m.Add(1, []directory.Address{smtp("a@x.example"), ex})
			m.Add(1, []directory.Address{smtp("b@x.example"), ex})
			m.Add(1, []directory.Address{smtp("a@x.example"), ex})
		}, ""},
		"same twice": {func(m *Maker) {
			m.Add(1, []directory.Address{smtp("a@x.example"), ex})
			m.Add(1, []directory.Address{smtp("A@X.example"), ex})
		}, "a@x.example"},
		"X500": {func(m *Maker) {
			m.Add(0, []directory.Address{smtp("a@x.example"), {Type: "X500", Value: "/O=ORG/CN=ANNA"}})
		}, "a@x.example"},
		"old disguise": {func(m *Maker) { m.Add(0, []directory.Address{smtp("IMCEAEX-_O=x_CN=y@x.example"), ex}) }, ""},
		"no domain":    {func(m *Maker) { m.Add(0, []directory.Address{smtp("a@migrated.invalid"), ex}) }, ""},
		"injection":    {func(m *Maker) { m.Add(0, []directory.Address{smtp("a@x.example>\r\nBcc: <b@x.example"), ex}) }, ""},
	} {
		var m Maker
		c.add(&m)
		table := m.Table()
		if got, _ := table.Find(ex); got != c.want || table.Len() != len(strings.Fields(c.want)) {
			t.Errorf("%s: %q of %d, want %q", name, got, table.Len(), c.want)
		}
	}
}

// TestEncapsulationIsRead reads what another part of this project writes for
// addresses that nobody knew.
func TestEncapsulationIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringMatching(`[ -~]{1,200}`).Draw(t, "value")
		kind := rapid.StringMatching(`[A-Z][A-Z0-9]{0,7}`).Draw(t, "kind")
		a, _ := canon.ToMIME(mf.Party{Type: kind, Value: value}, nil)
		old, ok := recognize(a.Addr)
		if want := strings.TrimSpace(value); kind != "SMTP" && (ok != (want != "") || ok && (old.Type != kind || old.Value != want)) {
			t.Fatalf("%s:%s became %s and then %v, %v", kind, value, a.Addr, old, ok)
		}
	})
}
