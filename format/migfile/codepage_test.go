package migfile

import (
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"waybill/failure"
)

func TestCodePages(t *testing.T) {
	tests := []struct {
		number int
		bytes  string
		text   string
	}{
		{437, "\x81\xe1", "üß"}, {850, "\x81\xe1", "üß"}, {852, "\xab", "ź"}, {858, "\xd5", "€"}, {1250, "\x9c", "ś"}, {1251, "\xcc\xe8\xf0", "Мир"}, {1252, "\x80\xfc", "€ü"},
		{1253, "\xe1", "α"}, {1255, "\xe0", "א"}, {10000, "\x9f", "ü"}, {932, "\x93\xfa\x96\x7b", "日本"}, {936, "\xd6\xd0", "中"}, {949, "\xc7\xd1", "한"}, {950, "\xa4\xa4", "中"},
		{65001, "\xe2\x82\xac", "€"}, {932, "\x95\x5c", "表"},
	}
	for _, tt := range tests {
		page, err := NewCodePage(tt.number, "test")
		if err != nil {
			t.Fatal(err)
		}
		if got := page.Decode([]byte(tt.bytes)); got != tt.text {
			t.Errorf("%d: %q is %q, want %q", tt.number, tt.bytes, got, tt.text)
		}
		if got, replaced := page.Encode(tt.text); string(got) != tt.bytes || replaced != 0 {
			t.Errorf("%d: %q is written %q, %d replaced", tt.number, tt.text, got, replaced)
		}
	}
	page, _ := NewCodePage(1252, "test")
	if got, replaced := page.Encode("日?é"); string(got) != "??\xe9" || replaced != 1 {
		t.Errorf("got %q, %d replaced", got, replaced)
	}
	_, err := NewCodePage(4711, "x.pkl line 1")
	if failure.RuleOf(err) != "migfile.code-page" || !strings.Contains(err.Error(), "x.pkl line 1") || !strings.Contains(err.Error(), "1250 to 1258") {
		t.Errorf("an unknown code page: %v", err)
	}
}

// TestEncodeTwice checks that text that was written and read is written the same
// way again, in every code page; fingerprints rest on it.
func TestEncodeTwice(t *testing.T) {
	for _, number := range []int{437, 850, 852, 874, 932, 936, 949, 950, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258, 10000, 51932, 54936, UTF8} {
		page, err := NewCodePage(number, "test")
		if err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(t *rapid.T) {
			first, _ := page.Encode(rapid.String().Draw(t, "text"))
			text := page.Decode(first)
			second, _ := page.Encode(text)
			if string(first) != string(second) {
				t.Fatalf("%d: %q became %q", number, first, second)
			}
			streamed, err := io.ReadAll(page.NewReader(strings.NewReader(string(first))))
			if err != nil || string(streamed) != text {
				t.Fatalf("%d: %q streams as %q, want %q; %v", number, first, streamed, text, err)
			}
		})
	}
}

func TestStamps(t *testing.T) {
	berlin := time.FixedZone("", 3600)
	at, ok := ParseStamp("19950321093421", berlin)
	if !ok || at.UTC().Hour() != 8 || FormatStamp(at, berlin) != "19950321093421" {
		t.Errorf("got %v, %v", at, ok)
	}
	if at, ok := ParseStamp("", berlin); !ok || !at.IsZero() {
		t.Errorf("an empty date: %v, %v", at, ok)
	}
	for _, s := range []string{"1995", "1995032109342x", "19951321093421", "199503210934211"} {
		if _, ok := ParseStamp(s, berlin); ok {
			t.Errorf("%q was taken for a date", s)
		}
	}
}

func TestParty(t *testing.T) {
	for in, want := range map[string]Party{
		"Jo Berry":                      {Name: "Jo Berry"},
		"Jo Berry[SMTP:jo@x.com]":       {"Jo Berry", "SMTP", "jo@x.com"},
		"Jo Berry [smtp:jo@x.com]":      {"Jo Berry", "SMTP", "jo@x.com"},
		"jo@x.com[SMTP:jo@x.com]":       {"", "SMTP", "jo@x.com"},
		"Jo [x][MS:NET/PO/JO]":          {"Jo [x]", "MS", "NET/PO/JO"},
		"Jo[SMTP:jo@[1.2.3.4]]":         {"Jo", "SMTP", "jo@[1.2.3.4]"},
		"Jo [Sales]":                    {Name: "Jo [Sales]"},
		"Jo ]":                          {Name: "Jo ]"},
		"Jo[:x]":                        {Name: "Jo[:x]"},
		"X[X400:/C=US/A= /P=N/G=J/S=P]": {"X", "X400", "/C=US/A= /P=N/G=J/S=P"},
	} {
		if got := ParseParty(in); got != want {
			t.Errorf("ParseParty(%q) = %q, want %q", in, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		p := ParseParty(rapid.StringMatching(`[a \[\]:X@]{0,14}`).Draw(t, "party"))
		if again := ParseParty(p.String()); again != p {
			t.Fatalf("%q became %q by way of %q", p, again, p.String())
		}
	})
}
