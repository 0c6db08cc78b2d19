package imcea

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestExamples(t *testing.T) {
	if got := Encode("EX", "/O=ORG/CN=Anna B."); got != "IMCEAEX-_O=ORG_CN=Anna+20B+2E" {
		t.Errorf("an Exchange name is written %q", got)
	}
	for local, want := range map[string]string{
		"imceams-NET_PO_ANNA": "MS NET/PO/ANNA", "IMCEAX-a+zz+2": "X a+zz+2", "IMCEAX-+2b+2B": "X ++",
		"IMCEA": "", "IMCEA-x": "", "IMCEAX": "", "IMCEAX-": "", "anna": "", "": "",
	} {
		kind, address, ok := Decode(local)
		if got := strings.TrimSpace(kind + " " + address); got != want || ok != (want != "") {
			t.Errorf("%q is read as %q, %v, want %q", local, got, ok, want)
		}
	}
}

func TestAddressesComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.StringMatching(`[A-Z0-9]{1,8}`).Draw(t, "kind")
		address := string(rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "address"))
		local := Encode(kind, address)
		if strings.ContainsFunc(local, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`@<>()",;:\[]/`, r) }) {
			t.Fatalf("%q cannot stand in a header", local)
		}
		if k, a, ok := Decode(local); !ok || k != kind || a != address {
			t.Fatalf("%q of %s comes back as %q of %s, %v", address, kind, a, k, ok)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"IMCEAEX-_O=ORG_CN=ANNA", "imcea-+", "IMCEAX-+2", "IMCEAX-+zz_"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, local string) {
		if kind, address, ok := Decode(local); ok && (kind == "" || address == "" || len(address) > len(local)) {
			t.Fatalf("%q is read as %q, %q", local, kind, address)
		}
	})
}
