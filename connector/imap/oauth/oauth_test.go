package oauth

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"waybill/failure"
	"waybill/secret"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is a token service: answer makes the status and the JSON from the form.
type service struct {
	*httptest.Server

	asked atomic.Int64
}

func newService(t *testing.T, answer func(form url.Values, header http.Header) (int, string)) *service {
	t.Helper()
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		status, body := answer(r.PostForm, w.Header())
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	return s
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t *testing.T, text string, warn func(string)) *Source {
	t.Helper()
	s, err := Open(writeFile(t, "oauth.yaml", text), warn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func newKey(t *testing.T) (*rsa.PrivateKey, string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

// verify checks an assertion as the service would and gives what it says.
func verify(t *testing.T, key *rsa.PublicKey, assertion string) (header, body map[string]any) {
	t.Helper()
	parts := strings.Split(assertion, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	signature, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], signature); err != nil {
		t.Fatal(err)
	}
	for i, to := range []*map[string]any{&header, &body} {
		text, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil || json.Unmarshal(text, to) != nil {
			t.Fatalf("part %d: %q", i, text)
		}
	}
	return header, body
}

func TestClientCredentials(t *testing.T) {
	srv := newService(t, func(form url.Values, _ http.Header) (int, string) {
		if form.Get("grant_type") != "client_credentials" || form.Get("client_id") != "app" || form.Get("client_secret") != "hunter2" ||
			form.Get("scope") != "https://outlook.office365.com/.default" || form.Get("audience") != "mail" {
			return 400, `{"error":"invalid_request"}`
		}
		return 200, `{"access_token":"T","expires_in":"3600","token_type":"Bearer"}`
	})
	s := open(t, fmt.Sprintf("flow: client-credentials\ntoken-url: %s/token\nclient-id: app\nclient-secret: file:%s\nscopes: [https://outlook.office365.com/.default]\nparameters: {audience: mail}\n",
		srv.URL, writeFile(t, "secret", "hunter2\n")), nil)
	for i, user := range []string{"anna", "anna", "bert"} {
		v, fresh, err := s.Token(t.Context(), user)
		if err != nil || v.Reveal() != "T" || fresh != (i == 0) {
			t.Errorf("%s: %q, %v, %v", user, v.Reveal(), fresh, err)
		}
	}
	if n := srv.asked.Load(); n != 1 {
		t.Errorf("asked %d times: the token is the application's, and no user's", n)
	}
}

// answers stands for the network where time is not the real one.
type answers func(form url.Values) string

func (f answers) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.WriteString(f(r.PostForm))
	return w.Result(), nil
}

func TestTokenIsRenewed(t *testing.T) {
	for told, life := range map[string]time.Duration{`,"expires_in":600`: 10 * time.Minute, "": defaultLife, `,"expires_in":-1`: defaultLife} {
		s := open(t, "flow: client-credentials\ntoken-url: https://x\nclient-id: a\nclient-secret: file:"+writeFile(t, "s", "x")+"\nscopes: [x]\n", nil)
		n := 0
		s.client.Transport = answers(func(url.Values) string {
			n++
			return fmt.Sprintf(`{"access_token":"T%d"%s}`, n, told)
		})
		synctest.Test(t, func(t *testing.T) {
			token := func(want string) secret.Value {
				t.Helper()
				v, _, err := s.Token(t.Context(), "anna")
				if err != nil || v.Reveal() != want {
					t.Fatalf("%q, %v; want %q", v.Reveal(), err, want)
				}
				return v
			}
			old := token("T1")
			<-time.After(life - early - time.Second)
			token("T1")
			<-time.After(time.Second + time.Millisecond) // less than sixty seconds before its end
			v := token("T2")
			s.Refused(t.Context(), "anna", old) // long gone, and no reason to fetch
			token("T2")
			s.Refused(t.Context(), "anna", v)
			token("T3")
		})
	}
}

func TestOneFetchAtATime(t *testing.T) {
	var running, most atomic.Int64
	release := make(chan bool)
	srv := newService(t, func(url.Values, http.Header) (int, string) {
		most.Store(max(most.Load(), running.Add(1)))
		<-release
		running.Add(-1)
		return 200, `{"access_token":"T","expires_in":3600}`
	})
	s := open(t, "flow: client-credentials\ntoken-url: "+srv.URL+"\nclient-id: a\nclient-secret: file:"+writeFile(t, "s", "x")+"\nscopes: [x]\n", nil)
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if v, _, err := s.Token(t.Context(), "anna"); err != nil || v.Reveal() != "T" {
				t.Error(err)
			}
		})
	}
	release <- true
	// One who waits for another's fetch can be stopped.
	all.Wait()
	if srv.asked.Load() != 1 || most.Load() != 1 {
		t.Errorf("asked %d times, %d at once", srv.asked.Load(), most.Load())
	}
	ctx, cancel := context.WithCancel(t.Context())
	v, _, _ := s.Token(t.Context(), "anna")
	s.Refused(t.Context(), "anna", v)
	errs := make(chan error)
	go func() {
		_, _, err := s.Token(ctx, "anna")
		errs <- err
	}()
	go func() {
		_, _, err := s.Token(ctx, "anna")
		errs <- err
	}()
	cancel()
	for range 2 {
		if err := <-errs; failure.ClassOf(err) != failure.Cancelled {
			t.Errorf("%v", err)
		}
	}
	close(release)
}

func TestRefreshToken(t *testing.T) {
	n := 0
	srv := newService(t, func(form url.Values, _ http.Header) (int, string) {
		if form.Get("grant_type") != "refresh_token" || form.Has("client_secret") || form.Has("scope") {
			return 400, `{"error":"invalid_request"}`
		}
		if want := fmt.Sprintf("R%d", n); form.Get("refresh_token") != want {
			return 400, `{"error":"invalid_grant","error_description":"reused"}`
		}
		n++
		return 200, fmt.Sprintf(`{"access_token":"T%d","expires_in":1,"refresh_token":"R%d"}`, n, n)
	})
	dir := t.TempDir()
	place := filepath.Join(dir, "anna.token")
	if err := os.WriteFile(place, []byte("R0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	yaml := "flow: refresh-token\ntoken-url: " + srv.URL + "\nclient-id: app\nrefresh-token: file:" + dir + "/{user}.token\n"
	s := open(t, yaml, nil)
	for want := 1; want <= 2; want++ {
		if v, fresh, err := s.Token(t.Context(), "anna"); err != nil || !fresh || v.Reveal() != fmt.Sprintf("T%d", want) {
			t.Fatalf("%q, %v, %v", v.Reveal(), fresh, err)
		}
	}
	if text, err := os.ReadFile(place); err != nil || string(text) != "R2\n" {
		t.Errorf("the file holds %q, %v", text, err)
	}
	// Another run begins with what the file holds.
	if v, _, err := open(t, yaml, nil).Token(t.Context(), "anna"); err != nil || v.Reveal() != "T3" {
		t.Errorf("%q, %v", v.Reveal(), err)
	}
	_, _, err := s.Token(t.Context(), "anna")
	if failure.ClassOf(err) != failure.Denied || failure.RuleOf(err) != "oauth.invalid-grant" || strings.Contains(err.Error(), "R2") {
		t.Errorf("a token that was used up elsewhere: %v", err)
	}

	// From the environment it cannot be kept, which is said.
	n = 0
	t.Setenv("WAYBILL_REFRESH", "R0")
	var said []string
	env := open(t, "flow: refresh-token\ntoken-url: "+srv.URL+"\nclient-id: app\nrefresh-token: env:WAYBILL_REFRESH\n", func(text string) { said = append(said, text) })
	for range 2 {
		if _, _, err := env.Token(t.Context(), "anna"); err != nil {
			t.Fatal(err)
		}
	}
	if len(said) == 0 || strings.Contains(strings.Join(said, ""), "R1") {
		t.Errorf("said %q", said)
	}
}

func TestServiceAccount(t *testing.T) {
	key, text := newKey(t)
	var srv *service
	srv = newService(t, func(form url.Values, _ http.Header) (int, string) {
		header, body := verify(t, &key.PublicKey, form.Get("assertion"))
		if form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" || header["kid"] != "K" || body["iss"] != "robot@project" ||
			body["aud"] != srv.URL+"/token" || body["scope"] != "https://mail.google.com/" || body["exp"].(float64)-body["iat"].(float64) > 3600 {
			return 400, `{"error":"invalid_request"}`
		}
		if body["sub"] == "gone@example.org" {
			return 400, `{"error":"invalid_grant","error_description":"Invalid email or User ID"}`
		}
		return 200, fmt.Sprintf(`{"access_token":"for-%s","expires_in":3599}`, body["sub"])
	})
	account, err := json.Marshal(map[string]string{"type": "service_account", "client_email": "robot@project", "private_key_id": "K", "private_key": text, "token_uri": srv.URL + "/token"})
	if err != nil {
		t.Fatal(err)
	}
	keyFile := writeFile(t, "key.json", string(account))
	yaml := writeFile(t, "oauth.yaml", "flow: service-account\nkey-file: "+keyFile+"\nscopes: [https://mail.google.com/]\n")
	s, err := Open(yaml, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, user := range []string{"anna@example.org", "bert@example.org"} {
		if v, _, err := s.Token(t.Context(), user); err != nil || v.Reveal() != "for-"+user {
			t.Errorf("%q, %v", v.Reveal(), err)
		}
	}
	_, _, err = s.Token(t.Context(), "gone@example.org")
	if failure.ClassOf(err) != failure.Denied || failure.RuleOf(err) != "oauth.invalid-grant" {
		t.Errorf("%v", err)
	}
	if err := os.Chmod(keyFile, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Token(t.Context(), "carl@example.org"); failure.RuleOf(err) != "secret.mode" {
		t.Errorf("a key that all may read: %v", err)
	}
	for _, broken := range []string{"{}", "no JSON", `{"client_email":"x","private_key":"no PEM","token_uri":"https://x"}`,
		strings.Replace(string(account), srv.URL, "http://example.org", 1)} {
		s := open(t, "flow: service-account\nkey-file: "+writeFile(t, "key.json", broken)+"\nscopes: [x]\n", nil)
		if _, _, err := s.Token(t.Context(), "anna"); failure.RuleOf(err) != "oauth.key" || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%.20q: %v", broken, err)
		}
	}
}

func TestCertificate(t *testing.T) {
	key, text := newKey(t)
	other, _ := newKey(t)
	certificate := func(key *rsa.PrivateKey, ends time.Time) string {
		template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "app"}, NotBefore: time.Unix(0, 0), NotAfter: ends}
		der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	good := certificate(key, time.Now().Add(time.Hour))
	block, _ := pem.Decode([]byte(good))
	thumb := sha256.Sum256(block.Bytes)
	var srv *service
	srv = newService(t, func(form url.Values, _ http.Header) (int, string) {
		header, body := verify(t, &key.PublicKey, form.Get("client_assertion"))
		if form.Get("client_assertion_type") != "urn:ietf:params:oauth:client-assertion-type:jwt-bearer" || form.Get("grant_type") != "client_credentials" || form.Has("client_secret") ||
			header["x5t#S256"] != base64.RawURLEncoding.EncodeToString(thumb[:]) || body["iss"] != "app" || body["sub"] != "app" || body["aud"] != srv.URL || body["jti"] == "" {
			return 401, `{"error":"invalid_client"}`
		}
		return 200, `{"access_token":"T"}`
	})
	for _, c := range []struct{ certificate, rule string }{
		{good, ""},
		{certificate(other, time.Now().Add(time.Hour)), "oauth.file"},
		{certificate(key, time.Now().Add(-time.Hour)), "oauth.certificate"},
		{"none", "oauth.file"},
	} {
		s := open(t, fmt.Sprintf("flow: client-credentials\ntoken-url: %s\nclient-id: app\nkey-file: %s\ncertificate-file: %s\nscopes: [x]\n", srv.URL, writeFile(t, "k", text), writeFile(t, "c", c.certificate)), nil)
		v, _, err := s.Token(t.Context(), "anna")
		if c.rule == "" && (err != nil || v.Reveal() != "T") || c.rule != "" && failure.RuleOf(err) != c.rule {
			t.Errorf("want %q: %q, %v", c.rule, v.Reveal(), err)
		}
	}
}
