package rewrite

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill/directory"
	"waybill/format/mime"
)

// office knows Anna by all her old addresses, and Bert by one.
func office() Table {
	var m Maker
	m.Add(0, []directory.Address{{Type: "SMTP", Value: "anna@new.example"}, {Type: "EX", Value: "/o=ORG/ou=SITE/cn=RECIPIENTS/cn=ANNA"},
		{Type: "MS", Value: "NET/PO/ANNA"}, {Type: "X400", Value: "c=de;a= ;p=Org;s=Berg;g=Anna;"}})
	m.Add(0, []directory.Address{{Type: "SMTP", Value: "bert@new.example"}, {Type: "EX", Value: "/o=Org/ou=First Site/cn=bert"}})
	return m.Table()
}

const (
	annaEX = "IMCEAEX-_O=ORG_OU=SITE_CN=RECIPIENTS_CN=ANNA@migrated.invalid"
	bertEX = "/o=Org/ou=First Site/cn=bert"
)

func TestRewriteFields(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"angle":              {"From: Anna <" + annaEX + ">\r\n", "From: Anna <anna@new.example>\r\nX-Waybill-Original-From: Anna <" + annaEX + ">\r\n"},
		"bare":               {"To: " + annaEX + "\n", "To: anna@new.example\nX-Waybill-Original-To: " + annaEX + "\n"},
		"lower case":         {"to:" + annaEX + "\n", "to:anna@new.example\nX-Waybill-Original-To:" + annaEX + "\n"},
		"blank before colon": {"Cc : <" + annaEX + ">\n", "Cc : <anna@new.example>\nX-Waybill-Original-Cc: <" + annaEX + ">\n"},
		"among others": {"To: =?utf-8?q?J=C3=B6rg?= (at (home)) <j@x.example>,\r\n\t\"Berg, Anna\" <MS:NET/PO/ANNA>,\r\n  c@x.example\r\n",
			"To: =?utf-8?q?J=C3=B6rg?= (at (home)) <j@x.example>,\r\n\t\"Berg, Anna\" <anna@new.example>,\r\n  c@x.example\r\n" +
				"X-Waybill-Original-To: =?utf-8?q?J=C3=B6rg?= (at (home)) <j@x.example>,\r\n\t\"Berg, Anna\" <MS:NET/PO/ANNA>,\r\n  c@x.example\r\n"},
		"two in one field":   {"Cc: <" + annaEX + ">, " + bertEX + "\n", "Cc: <anna@new.example>, bert@new.example\nX-Waybill-Original-Cc: <" + annaEX + ">, " + bertEX + "\n"},
		"group":              {"To: friends: MS:NET/PO/ANNA, b@x.example;\n", "To: friends: anna@new.example, b@x.example;\nX-Waybill-Original-To: friends: MS:NET/PO/ANNA, b@x.example;\n"},
		"X.400 bare":         {"To: c=de;a= ;p=Org;s=Berg;g=Anna;, b@x.example\n", "To: anna@new.example, b@x.example\nX-Waybill-Original-To: c=de;a= ;p=Org;s=Berg;g=Anna;, b@x.example\n"},
		"folded in brackets": {"To: Bert </o=Org/ou=First\r\n Site/cn=bert>\r\n", "To: Bert <bert@new.example>\r\nX-Waybill-Original-To: Bert </o=Org/ou=First\r\n Site/cn=bert>\r\n"},
		"each of its kind": {"Resent-To: <" + annaEX + ">\nSubject: x\nResent-To: MS:NET/PO/ANNA\n",
			"Resent-To: <anna@new.example>\nX-Waybill-Original-Resent-To: <" + annaEX + ">\nSubject: x\nResent-To: anna@new.example\nX-Waybill-Original-Resent-To: MS:NET/PO/ANNA\n"},
		"receipt":       {"Disposition-Notification-To: <" + annaEX + ">\nReturn-Receipt-To: <" + annaEX + ">\n", "Disposition-Notification-To: <anna@new.example>\nX-Waybill-Original-Disposition-Notification-To: <" + annaEX + ">\nReturn-Receipt-To: <anna@new.example>\nX-Waybill-Original-Return-Receipt-To: <" + annaEX + ">\n"},
		"cut off":       {"From: <" + annaEX + ">", "From: <anna@new.example>\r\nX-Waybill-Original-From: <" + annaEX + ">\r\n"},
		"name in front": {"From: Anna " + annaEX + "\n", "From: Anna anna@new.example\nX-Waybill-Original-From: Anna " + annaEX + "\n"},
		"8 bit":         {"From: J\xf6rg \x00 <" + annaEX + ">\n", "From: J\xf6rg \x00 <anna@new.example>\nX-Waybill-Original-From: J\xf6rg \x00 <" + annaEX + ">\n"},
		"mbox line":     {"From x Mon Jan 1\nFrom: <" + annaEX + ">\n", "From x Mon Jan 1\nFrom: <anna@new.example>\nX-Waybill-Original-From: <" + annaEX + ">\n"},
		"long line": {"To: " + strings.Repeat("x", 910) + "@x.example, <" + annaEX + ">\n",
			"To: " + strings.Repeat("x", 910) + "@x.example, <anna@new.example>\nX-Waybill-Original-To:\n " + strings.Repeat("x", 910) + "@x.example, <" + annaEX + ">\n"},
		"DKIM of others": {"DKIM-Signature: v=1; h=Subject:\r\n Date; b=x\r\nFrom: <" + annaEX + ">\r\n", "DKIM-Signature: v=1; h=Subject:\r\n Date; b=x\r\nFrom: <anna@new.example>\r\nX-Waybill-Original-From: <" + annaEX + ">\r\n"},
	} {
		got, o := rewriteHeader([]byte(c.in), office())
		if string(got) != c.want || o.replaced == 0 {
			t.Errorf("%s: %d replaced\n%q\nwant\n%q", name, o.replaced, got, c.want)
		}
		if again, o := rewriteHeader(got, office()); !bytes.Equal(again, got) || o.replaced != 0 {
			t.Errorf("%s: twice gives %q", name, again)
		}
	}
}

func TestLeftAlone(t *testing.T) {
	for name, c := range map[string]struct{ in, note string }{
		"nothing old":       {"From: a@x.example\nTo: b@x.example\n", ""},
		"other field":       {"X-From: <" + annaEX + ">\nSubject: " + annaEX + "\n", ""},
		"in a comment":      {"From: a@x.example (" + annaEX + ")\n", ""},
		"in a name":         {"From: \"" + annaEX + "\" <a@x.example>\n", ""},
		"name only":         {"From: \"" + annaEX + "\"\n", ""},
		"behind the header": {"Subject: x\nno field\nFrom: <" + annaEX + ">\n", ""},
		"continuation":      {"Subject: x\n From: <" + annaEX + ">\n", ""},
		"unknown":           {"From: <IMCEAEX-_O=ORG_CN=ZOE@h.example>\n", NoteUnknown},
		"signed":            {"DKIM-Signature: v=1; a=rsa-sha256; h = from : To; b=abc=\nFrom: <" + annaEX + ">\n", NoteSigned},
		"signed later":      {"From: <" + annaEX + ">\nARC-Message-Signature: i=1; h=from:to\n", NoteSigned},
		"signed in full":    {"DomainKey-Signature: a=rsa-sha1; b=abc\nCc: <" + annaEX + ">\n", NoteSigned},
		"source route":      {"To: <@a.example:" + annaEX + ">\n", ""},
		"unclosed":          {"To: \"Anna <" + annaEX + "\n", NoteRewritten},
		"empty":             {"", ""},
	} {
		got, o := rewriteHeader([]byte(c.in), office())
		var kinds []string
		for _, n := range o.notes() {
			kinds = append(kinds, n.Kind)
		}
		if (string(got) != c.in) != (c.note == NoteRewritten) || strings.Join(kinds, " ") != c.note {
			t.Errorf("%s: notes %v\n%q", name, kinds, got)
		}
	}
}

// TestOnlyAddressesChange composes headers of any parts and compares with what a
// reader of addresses finds in them before and after.
func TestOnlyAddressesChange(t *testing.T) {
	one := rapid.SampledFrom([]string{"a@x.example", "Anna <" + annaEX + ">", "\"B, C\" <b@x.example>", "(x) c@x.example", "<MS:NET/PO/ANNA>", "IMCEAMS-NET_PO_ZOE@x.example", "=?utf-8?b?w7Y=?= <d@x.example>", "Bert <" + bertEX + ">"})
	sep := rapid.SampledFrom([]string{",", ", ", ",\r\n ", " ,\n\t"})
	rapid.Check(t, func(t *rapid.T) {
		var in strings.Builder
		var values []string
		for range rapid.IntRange(1, 4).Draw(t, "fields") {
			name := rapid.SampledFrom([]string{"From", "to", "CC", "Subject", "Received", "Resent-To"}).Draw(t, "name")
			list := rapid.SliceOfN(one, 1, 5).Draw(t, "list")
			value := " " + list[0]
			for _, a := range list[1:] {
				value += sep.Draw(t, "sep") + a
			}
			in.WriteString(name + ":" + value + rapid.SampledFrom([]string{"\r\n", "\n"}).Draw(t, "end"))
			if nameOf([]byte(name)) != "" {
				values = append(values, value)
			}
		}
		got, o := rewriteHeader([]byte(in.String()), office())
		// Taking the kept fields back gives the header as it was.
		if back := restore(got); back != in.String() {
			t.Fatalf("%q became %q, which gives back %q", in.String(), got, back)
		}
		replaced, unknown := 0, 0
		for _, v := range values {
			changed, n, left := replace([]byte(v), office())
			replaced, unknown = replaced+n, unknown+len(left)
			want := mime.ParseAddresses(v)
			for i := range want {
				switch want[i].Addr {
				case annaEX, "MS:NET/PO/ANNA":
					want[i].Addr = "anna@new.example"
				case bertEX:
					want[i].Addr = "bert@new.example"
				}
			}
			if have := mime.ParseAddresses(string(changed)); !slices.Equal(have, want) {
				t.Fatalf("%q reads as %v, want %v", changed, have, want)
			}
		}
		if o.replaced != replaced || o.unknown.count != unknown {
			t.Fatalf("%d replaced and %d unknown, want %d and %d", o.replaced, o.unknown.count, replaced, unknown)
		}
	})
}

// restore puts every kept field back in place of the one in front of it.
func restore(header []byte) string {
	var fields []field
	for rest := header; ; {
		f, after, ok := cutField(rest)
		if !ok {
			break
		}
		rest = after
		if bytes.HasPrefix(f.name, []byte(keptPrefix)) {
			last := &fields[len(fields)-1]
			last.whole = append(slices.Clone(last.whole[:last.value]), f.whole[f.value:]...)
			continue
		}
		fields = append(fields, f)
	}
	var b strings.Builder
	for _, f := range fields {
		b.Write(f.whole)
	}
	return b.String()
}

// TestAnyHeader is the promise that bytes without an old address pass unchanged.
func TestAnyHeader(t *testing.T) {
	part := rapid.SampledFrom([]string{"From:", "To: ", "\r\n", "\n", " ", "\t", "\"", "(", ")", "<", ">", "[", "]", "@", ",", ";", ":", "\\", "IMCEAEX-", "MS:", "/o=", "/cn=", "c=", "a", "x.example", "\x00", "\xff"})
	rapid.Check(t, func(t *rapid.T) {
		in := strings.Join(rapid.SliceOfN(part, 0, 60).Draw(t, "parts"), "")
		got, o := rewriteHeader([]byte(in), Table{})
		if string(got) != in || o.replaced != 0 {
			t.Fatalf("%q became %q", in, got)
		}
	})
}

// TestHostileFields take time in proportion to their length: work that grows with
// its square would not end soon.
func TestHostileFields(t *testing.T) {
	const size = 1 << 18
	for _, unit := range []string{"(", "\"", "\\\"", "<", "[", "[]", ";", ":", ",", "a=;", "c=x;", "@:", "x ", "<IMCEAEX-", "MS:", "\n ", "()", "<>", "\"\"@", "IMCEAEX-x@h,"} {
		value := "To: " + strings.Repeat(unit, size/len(unit)) + "\n"
		got, _ := rewriteHeader([]byte(value), office())
		if string(got) != value {
			t.Errorf("%d bytes of %q: changed", size, unit)
		}
		value = "To: x@" + strings.Repeat(unit, size/len(unit)) + "\n"
		rewriteHeader([]byte(value), office())
	}
	many := strings.Repeat("To: <"+annaEX+">\n", 1000)
	if got, o := rewriteHeader([]byte(many), office()); o.replaced != 1000 || len(o.fields) != 1 || len(got) > 3*len(many) {
		t.Errorf("%d replaced, %d bytes of %d", o.replaced, len(got), len(many))
	}
	unknown := "To: "
	for i := range 5000 {
		unknown += fmt.Sprintf("<MS:N/P/%d>, ", i)
	}
	_, o := rewriteHeader([]byte(unknown+"\n"), office())
	if notes := o.notes(); o.unknown.count != 5000 || len(notes) != 1 || len(notes[0].Text) > 1000 {
		t.Errorf("%d unknown: %v", o.unknown.count, notes)
	}
}

func FuzzHeader(f *testing.F) {
	for _, seed := range []string{"From: <" + annaEX + ">\r\n\r\n", "To: friends: MS:NET/PO/ANNA;\n", "Cc: c=de;a= ;p=Org;s=Berg;g=Anna;\n", "DKIM-Signature: h=from\nFrom: " + bertEX, "To: \"(<[;:,\n x"} {
		f.Add([]byte(seed))
	}
	table := office()
	f.Fuzz(func(t *testing.T, in []byte) {
		got, o := rewriteHeader(in, table)
		if o.replaced == 0 && !bytes.Equal(got, in) {
			t.Fatalf("%q became %q", in, got)
		}
		again, o2 := rewriteHeader(got, table)
		if o2.replaced != 0 || !bytes.Equal(again, got) {
			t.Fatalf("%q became %q and then %q", in, got, again)
		}
		o.notes()
	})
}
