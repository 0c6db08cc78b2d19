package mime

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestDecodeWords(t *testing.T) {
	tests := map[string]string{
		"plain": "plain", "": "",
		"=?utf-8?q?caf=C3=A9?=":                        "café",
		"=?UTF-8?B?w6k=?= =?UTF-8?B?w6k=?=":            "éé",
		"=?utf-8?q?=C3?=\r\n =?utf-8?q?=A9?=":          "é",
		"a =?iso-8859-1?Q?b=E9_c?= d":                  "a bé c d",
		"=?us-ascii*en?q?hi?=":                         "hi",
		"=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=":           "日本",
		"=?utf-8?x?what?=":                             "=?utf-8?x?what?=",
		"=?utf-8?q?open":                               "=?utf-8?q?open",
		"=?utf-8?q?one?= =?iso-8859-1?q?=E9?= and two": "oneé and two",
		"raw \xe9 and \xc3\xa9":                        "raw é and é",
		"=?gb2312?B?1tDOxA==?=":                        "中文",
		"=?utf-8?Q?a?=b":                               "ab",
	}
	for in, want := range tests {
		if got := DecodeWords(in); got != want {
			t.Errorf("DecodeWords(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestEncodeWordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := strings.Map(func(r rune) rune {
			if r == '\r' || r == '\n' {
				return -1
			}
			return r
		}, rapid.OneOf(rapid.String(), rapid.StringMatching(`[ a-z=?_é]{0,120}`)).Draw(t, "text"))
		e := EncodeWords(s)
		if got := DecodeWords(e); got != strings.ToValidUTF8(s, string(utf8.RuneError)) {
			t.Fatalf("%q became %q by way of %q", s, got, e)
		}
		for w := range strings.FieldsSeq(e) {
			if strings.HasPrefix(w, "=?") && len(w) > 75 {
				t.Fatalf("encoded word of %d characters: %s", len(w), w)
			}
		}
	})
}

func TestParamRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.String().Draw(t, "name")
		if strings.ContainsAny(name, "\r\n") {
			t.Skip()
		}
		name = strings.ToValidUTF8(name, "?")
		_, params := ParseParams("attachment; " + strings.Join(formatParam(Param{"filename", name}), "; "))
		if got := params["filename"]; got != name {
			t.Fatalf("%q became %q", name, got)
		}
	})
}

func TestParseAddresses(t *testing.T) {
	tests := map[string][]Address{
		"":                            nil,
		"a@b.c":                       {{"", "a@b.c"}},
		"Jo Berry <jo@b.c>, x@y":      {{"Jo Berry", "jo@b.c"}, {"", "x@y"}},
		`"Berry, Jo" <jo@b.c>`:        {{"Berry, Jo", "jo@b.c"}},
		`"a \"q\" b" <jo@b.c>`:        {{`a "q" b`, "jo@b.c"}},
		"jo@b.c (Jo Berry)":           {{"Jo Berry", "jo@b.c"}},
		"undisclosed-recipients:;":    nil,
		"Friends: a@b, C <c@d>;, e@f": {{"", "a@b"}, {"C", "c@d"}, {"", "e@f"}},
		"=?utf-8?q?J=C3=B6?= <j@b>":   {{"Jö", "j@b"}},
		"<@route,@two:j@b>":           {{"", "j@b"}},
		"Just A Name":                 {{"Just A Name", ""}},
		`"odd local"@b.c`:             {{"", `"odd local"@b.c`}},
		"a@[1.2.3.4]":                 {{"", "a@[1.2.3.4]"}},
		`"unclosed <a@b>, c@d`:        {{"unclosed", "a@b"}, {"", "c@d"}},
		"Jo jo@b.c":                   {{"Jo", "jo@b.c"}},
		"a@b; c@d":                    {{"", "a@b"}, {"", "c@d"}},
		"Jo <jo@b.c":                  {{"Jo", "jo@b.c"}},
	}
	for in, want := range tests {
		if got := ParseAddresses(in); !slices.Equal(got, want) {
			t.Errorf("ParseAddresses(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestAddressRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ a-zA-Z.,"<>()@=?:;\[\]\\]{0,40}`)).Draw(t, "name")
		name = strings.Trim(strings.ToValidUTF8(oneLine(name), "?"), " ")
		if name == "" {
			t.Skip()
		}
		a := Address{name, rapid.StringMatching(`[a-z0-9]{1,8}(\.[a-z]{1,5})?@[a-z]{1,8}\.example`).Draw(t, "addr")}
		var b strings.Builder
		writeAddresses(&b, "To", []Address{a, {"", "z@z"}})
		p, err := NewReader(strings.NewReader(b.String() + "\r\n")).Next()
		if err != nil {
			t.Fatal(err)
		}
		if got := ParseAddresses(p.Header.Get("To")); !slices.Equal(got, []Address{a, {"", "z@z"}}) {
			t.Fatalf("%q became %q by way of %q", a, got, b.String())
		}
	})
}

func TestParseDate(t *testing.T) {
	want := time.Date(1995, 3, 21, 9, 34, 21, 0, time.UTC)
	for _, in := range []string{
		"Tue, 21 Mar 1995 09:34:21 +0000", "21 Mar 95 09:34:21 GMT", "Tue Mar 21 09:34:21 1995", "1995-03-21T09:34:21Z",
		"Tue, 21 Mar 1995 10:34:21 +0100 (MET)", "Tuesday, 21-Mar-95 09:34:21 GMT", "Tue, 21 March 1995 04:34:21 EST",
		"Tue,21 Mar 1995 09:34:21", "Tue, 21 Mar 95 9:34:21 AM", "Mar 21, 1995 09:34:21 UTC", "Tue Mar 21 09:34:21 GMT 1995",
	} {
		got, ok := ParseDate(in)
		if !ok || !got.Equal(want) {
			t.Errorf("ParseDate(%q) = %v, %v", in, got, ok)
		}
	}
	for _, in := range []string{"", "yesterday", "32 Mar 1995 1:2:3", "Tue, 31 Feb 1995 00:00:00 +0000", "1 Jan 2000 99:99:99", "Mar"} {
		if got, ok := ParseDate(in); ok {
			t.Errorf("ParseDate(%q) = %v, want none", in, got)
		}
	}
}

func FuzzValues(f *testing.F) {
	for _, s := range []string{"=?utf-8?q?=C3?= x", `"a\" <b@c>, (x`, "Tue, 21 Mar 1995 09:34:21 -0500", "a/b; c*0*=x'y'%zz; d=\"e\\"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d := DecodeWords(s); !utf8.ValidString(d) {
			t.Fatalf("DecodeWords(%q) gives invalid UTF-8 %q", s, d)
		}
		for _, a := range ParseAddresses(s) {
			if a.Name == "" && a.Addr == "" {
				t.Fatalf("empty address from %q", s)
			}
		}
		_, _ = ParseDate(s)
		_, _ = ParseParams(s)
	})
}
