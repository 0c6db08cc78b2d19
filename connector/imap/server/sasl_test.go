package server

import (
	"errors"
	"strings"
	"testing"

	"waybill/secret"
)

// TestScram is the example of RFC 7677 3.
func TestScram(t *testing.T) {
	const nonce = "rOprNGfwEbeRWgbNEkqO"
	const first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
	client := func() *scram {
		s := &scram{user: "user", password: secret.Of("pencil"), nonce: nonce}
		if name, initial, err := s.Start(); name != "SCRAM-SHA-256" || string(initial) != "n,,n=user,r="+nonce || err != nil {
			t.Fatalf("%s %q %v", name, initial, err)
		}
		return s
	}
	s := client()
	proof, err := s.Next([]byte(first))
	if want := "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="; string(proof) != want || err != nil {
		t.Fatalf("%q, %v", proof, err)
	}
	if end, err := s.Next([]byte("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")); len(end) != 0 || err != nil || !s.verified {
		t.Fatalf("%q, %v", end, err)
	}
	if _, err := s.Next(nil); err == nil {
		t.Error("a third challenge is answered")
	}

	for _, last := range []string{"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", "v=", "v=AAAA", "", "x"} {
		s := client()
		if _, err := s.Next([]byte(first)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Next([]byte(last)); err == nil || s.verified {
			t.Errorf("%q is taken for a proof", last)
		}
	}
	for _, bad := range []string{"", "r=" + nonce, "r=" + nonce + ",s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", "r=other,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
		strings.Replace(first, "4096", "0", 1), strings.Replace(first, "4096", "99999999999", 1), strings.Replace(first, "4096", "6000000", 1),
		strings.Replace(first, "W22ZaJ0SNY7soEsUEjb6gQ==", "", 1), "m=x," + first, first + ",r=" + nonce + "x"} {
		if answer, err := client().Next([]byte(bad)); err == nil {
			t.Errorf("%q is answered with %q", bad, answer)
		}
	}
	proxied := &scram{user: "a=d,min", acting: "an,na", password: secret.Of("x"), nonce: nonce}
	if _, initial, _ := proxied.Start(); string(initial) != "n,a=an=2Cna,n=a=3Dd=2Cmin,r="+nonce {
		t.Errorf("%q", initial)
	}
	wrong := client()
	_, _ = wrong.Next([]byte(first))
	if _, err := wrong.Next([]byte("e=invalid-proof")); err == nil || errors.Is(err, errServer) {
		t.Errorf("%v", err)
	}
}

func FuzzScram(f *testing.F) {
	f.Add("r=abcd,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=2", "v=AAAA")
	f.Add("r=abc,s=AA==,i=1,m=x", "e=x")
	f.Fuzz(func(t *testing.T, first, last string) {
		if len(first) > 200 || strings.Contains(first, "i=") && len(first) > strings.Index(first, "i=")+5 {
			t.Skip() // many rounds are slow, and no other case
		}
		s := &scram{user: "u", password: secret.Of("p"), nonce: "abc"}
		_, _, _ = s.Start()
		if _, err := s.Next([]byte(first)); err != nil {
			return
		}
		if _, err := s.Next([]byte(last)); err == nil && !s.verified {
			t.Fatal("neither an error nor a proof")
		}
	})
}

func TestBearer(t *testing.T) {
	c := &Config{addr: "imap.example.org:993"}
	b := c.bearer("OAUTHBEARER", "an,na=x@example.org", secret.Of("TOKEN"))
	if name, initial, err := b.Start(); name != "OAUTHBEARER" || err != nil || string(initial) != "n,a=an=2Cna=3Dx@example.org,\x01host=imap.example.org\x01port=993\x01auth=Bearer TOKEN\x01\x01" {
		t.Errorf("%s %q %v", name, initial, err)
	}
	if answer, err := b.Next([]byte(`{"status":"invalid_token","scope":"mail","schemes":"bearer"}`)); string(answer) != "\x01" || err != nil {
		t.Errorf("%q, %v", answer, err)
	}
	if b.refusal != "status invalid_token, scope mail, schemes bearer" {
		t.Errorf("%q", b.refusal)
	}
	if _, err := b.Next(nil); err == nil {
		t.Error("a second challenge is answered")
	}
	x := c.bearer("XOAUTH2", "anna@example.org", secret.Of("TOKEN"))
	if name, initial, err := x.Start(); name != "XOAUTH2" || err != nil || string(initial) != "user=anna@example.org\x01auth=Bearer TOKEN\x01\x01" {
		t.Errorf("%s %q %v", name, initial, err)
	}
	if answer, err := x.Next([]byte("no\x1bJSON")); answer == nil || len(answer) != 0 || err != nil || strings.ContainsRune(x.refusal, 0x1b) || x.refusal == "" {
		t.Errorf("%q, %v, %q", answer, err, x.refusal)
	}
}

func FuzzChallenge(f *testing.F) {
	for _, s := range []string{`{"status":400}`, `{"status":"401","schemes":"Bearer","scope":"https://mail.google.com/"}`, "", "{", `{"status":null}`, `{"status":{"a":[1]}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, challenge []byte) {
		if text := decodeChallenge(challenge); text == "" || len(text) > 400 || strings.ContainsAny(text, "\x00\r\n\x1b") {
			t.Fatalf("%q", text)
		}
	})
}

func TestLoginMechanism(t *testing.T) {
	l := &login{user: "anna", password: secret.Of("pw")}
	if name, initial, err := l.Start(); name != "LOGIN" || initial != nil || err != nil {
		t.Error(name, initial, err)
	}
	for _, want := range []string{"anna", "pw"} {
		if got, err := l.Next([]byte("whatever:")); string(got) != want || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	if _, err := l.Next(nil); err == nil {
		t.Error("a third challenge is answered")
	}
}
