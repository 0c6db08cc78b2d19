package oauth

import (
	"errors"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/failure"
)

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		status int
		after  string
		body   string
		class  failure.Class
		rule   string
		wait   time.Duration
	}{
		{400, "", `{"error":"invalid_grant","error_description":"AADSTS700082: The refresh token has expired"}`, failure.Denied, "oauth.invalid-grant", 0},
		{401, "", `{"error":"invalid_client"}`, failure.Denied, "oauth.invalid-client", 0},
		{401, "", `{"error":"unauthorized_client"}`, failure.Denied, "oauth.unauthorized-client", 0},
		{400, "", `{"error":"invalid_scope"}`, failure.Denied, "oauth.invalid-scope", 0},
		{404, "", "not found", failure.Denied, "oauth.refused", 0},
		{302, "", "", failure.Denied, "oauth.refused", 0},
		{429, "7", "", failure.Throttled, "oauth.throttled", 7 * time.Second},
		{429, "", "", failure.Throttled, "oauth.throttled", time.Minute},
		{429, "-5", "", failure.Throttled, "oauth.throttled", time.Second},
		{429, "999999999", "", failure.Throttled, "oauth.throttled", 24 * time.Hour},
		{503, "9", "", failure.Throttled, "oauth.throttled", 9 * time.Second},
		{503, "", "busy", failure.Transient, "oauth.unavailable", 0},
		{400, "", `{"error":"temporarily_unavailable"}`, failure.Transient, "oauth.unavailable", 0},
		{200, "", `{"error":"invalid_grant"}`, failure.Denied, "oauth.invalid-grant", 0},
		{200, "", `{}`, failure.Malformed, "oauth.answer", 0},
		{200, "", `{"access_token":"two\nlines"}`, failure.Malformed, "oauth.answer", 0},
		{200, "", `<html>`, failure.Malformed, "oauth.answer", 0},
	} {
		srv := newService(t, func(_ url.Values, header http.Header) (int, string) {
			if c.after != "" {
				header.Set("Retry-After", c.after)
			}
			if c.status == 302 {
				header.Set("Location", "http://127.0.0.1:1/")
			}
			return c.status, c.body
		})
		s := open(t, "flow: client-credentials\ntoken-url: "+srv.URL+"\nclient-id: a\nclient-secret: file:"+writeFile(t, "s", "hunter2")+"\nscopes: [x]\n", nil)
		_, _, err := s.Token(t.Context(), "anna")
		f, _ := errors.AsType[*failure.Error](err)
		if f == nil || f.Class != c.class || f.Rule != c.rule || f.RetryAfter != c.wait {
			t.Errorf("%d %s: %v %v", c.status, c.body, failure.ClassOf(err), err)
		} else if strings.Contains(err.Error(), "hunter2") || f.Class == failure.Denied && f.Remedy == "" {
			t.Errorf("%v", err)
		}
	}
	srv := newService(t, func(url.Values, http.Header) (int, string) { return 200, "" })
	srv.Close()
	s := open(t, "flow: client-credentials\ntoken-url: "+srv.URL+"\nclient-id: a\nclient-secret: file:"+writeFile(t, "s", "x")+"\nscopes: [x]\n", nil)
	if _, _, err := s.Token(t.Context(), "anna"); failure.ClassOf(err) != failure.Transient || failure.RuleOf(err) != "oauth.unreachable" {
		t.Errorf("%v", err)
	}
}

// TestAnswerBreaksOff has the network fail in the middle of an answer, which may
// go well the next time.
func TestAnswerBreaksOff(t *testing.T) {
	srv := newService(t, func(_ url.Values, header http.Header) (int, string) {
		header.Set("Content-Length", "500")
		return 200, `{"access_token":`
	})
	s := open(t, "flow: client-credentials\ntoken-url: "+srv.URL+"\nclient-id: a\nclient-secret: file:"+writeFile(t, "s", "x")+"\nscopes: [x]\n", nil)
	if _, _, err := s.Token(t.Context(), "anna"); failure.ClassOf(err) != failure.Transient || failure.RuleOf(err) != "oauth.unreachable" {
		t.Errorf("%v", err)
	}
}

// TestServiceRepeatsSecrets has a service quote what it was sent, and looks for it
// in the error.
func TestServiceRepeatsSecrets(t *testing.T) {
	srv := newService(t, func(form url.Values, _ http.Header) (int, string) {
		if form.Get("scope") != "x y" || form.Get("audience") != "mail" || form.Get("client_id") != "a" {
			return 400, `{"error":"invalid_request"}`
		}
		return 400, `{"error":"invalid_grant","error_description":"` + form.Get("client_secret") + ` does not go with ` + form.Get("refresh_token") + `\u001b[31m"}`
	})
	s := open(t, "flow: refresh-token\ntoken-url: "+srv.URL+"\nclient-id: a\nclient-secret: file:"+writeFile(t, "s", "hunter2")+
		"\nrefresh-token: file:"+writeFile(t, "r", "hunter3")+"\nscopes: [x, y]\nparameters: {audience: mail}\n", nil)
	_, _, err := s.Token(t.Context(), "anna")
	if failure.RuleOf(err) != "oauth.invalid-grant" || strings.Contains(err.Error(), "hunter") || strings.Contains(err.Error(), "\x1b") || !strings.Contains(err.Error(), "does not go with") {
		t.Errorf("%v", err)
	}
}

func TestFiles(t *testing.T) {
	const good = "flow: client-credentials\ntoken-url: https://x/t\nclient-id: a\nclient-secret: env:S\nscopes: [x]\n"
	if _, err := parse("x.yaml", []byte(good)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"unknown key":             good + "sceope: x\n",
		"a secret":                strings.Replace(good, "env:S", "hunter2", 1),
		"no flow":                 strings.Replace(good, "flow: client-credentials\n", "", 1),
		"unknown flow":            strings.Replace(good, "client-credentials", "password", 1),
		"no url":                  strings.Replace(good, "token-url: https://x/t\n", "", 1),
		"http":                    strings.Replace(good, "https:", "http:", 1),
		"user in url":             strings.Replace(good, "https://", "https://a:hunter2@", 1),
		"no scopes":               strings.Replace(good, "scopes: [x]\n", "", 1),
		"secret and certificate":  good + "certificate-file: c\nkey-file: k\n",
		"certificate without key": strings.Replace(good, "client-secret: env:S", "certificate-file: c", 1),
		"two keys":                strings.Replace(good, "client-secret: env:S", "certificate-file: c\nkey: env:K\nkey-file: k", 1),
		"neither":                 strings.Replace(good, "client-secret: env:S\n", "", 1),
		"refresh token too much":  good + "refresh-token: env:R\n",
		"grant in parameters":     good + "parameters: {grant_type: x}\n",
		"no refresh token":        "flow: refresh-token\ntoken-url: https://x\nclient-id: a\n",
		"refresh token itself":    "flow: refresh-token\ntoken-url: https://x\nclient-id: a\nrefresh-token: hunter2\n",
		"no key":                  "flow: service-account\nscopes: [x]\n",
		"id of service account":   "flow: service-account\nkey-file: k\nscopes: [x]\nclient-id: a\n",
		"no YAML":                 "{hunter2",
	} {
		_, err := parse("x.yaml", []byte(text))
		if failure.RuleOf(err) != "oauth.file" || failure.ClassOf(err) != failure.Usage {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s shows the secret: %v", name, err)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none"), nil); failure.RuleOf(err) != "oauth.file" {
		t.Error(err)
	}
}

func FuzzFile(f *testing.F) {
	f.Add("flow: client-credentials\ntoken-url: https://x/t\nclient-id: a\nclient-secret: env:S\nscopes: [x]\n")
	f.Add("flow: refresh-token\ntoken-url: https://x/t\nclient-id: a\nrefresh-token: file:{user}\n")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parse("x.yaml", []byte(text))
		if err == nil && c.Flow != serviceAccount && checkURL(c.TokenURL) != nil {
			t.Fatal("a secret would go to an address that was not checked")
		}
		if err == nil && c.refresh != nil {
			if r, err := c.refresh("../../etc/passwd"); err == nil && strings.Contains(r.String(), "../../etc") && !strings.Contains(text, "..") {
				t.Fatalf("a user's name leads to %s", r)
			}
		}
	})
}
