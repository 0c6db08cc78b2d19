package test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill/internal/counterpart"
)

// TestLogonTokenEnds moves mail with a token that ends while the run is under
// way: the connection is lost after that moment, and the next logon needs another
// one. Dovecot checks the tokens by itself.
func TestLogonTokenEnds(t *testing.T) {
	t.Parallel()
	key := []byte("the key that signs the tokens of this test")
	d := counterpart.NewDovecot(t, counterpart.DovecotOptions{OAuthKey: key, Users: map[string]string{"anna": "unused", "bert": "unused"}})
	const life = 2 * time.Second
	var mu sync.Mutex
	given := map[string]int{}
	var first time.Time
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user := strings.TrimPrefix(r.FormValue("refresh_token"), "refresh-")
		mu.Lock()
		defer mu.Unlock()
		given[user]++
		end := time.Now().Add(life)
		if first.IsZero() {
			first = end
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": d.Token(user, life), "token_type": "Bearer", "expires_in": int(life / time.Second)})
	}))
	t.Cleanup(service.Close)

	e := newErrand(t, "anna", "bert")
	for _, u := range e.users {
		e.write("tokens/"+u, "refresh-"+u+"\n")
	}
	e.write("oauth.yaml", fmt.Sprintf("flow: refresh-token\ntoken-url: %s\nclient-id: waybill\nclient-secret: env:CLIENT_SECRET\nrefresh-token: file:tokens/{user}\n", service.URL))
	e.env = []string{"CLIENT_SECRET=the-client-secret"}
	cut := counterpart.CutAnswer(t, d.Addr, func() func(string, string) bool {
		times := counterpart.Times(1, "APPEND")
		return func(command, answer string) bool {
			// The canaries come first; what is lost is an answer of the copying.
			if strings.Contains(command, "canary") || !times(command, answer) {
				return false
			}
			mu.Lock()
			ends := first
			mu.Unlock()
			<-time.After(time.Until(ends.Add(100 * time.Millisecond)))
			return true
		}
	}())
	args := e.to("imap://"+cut.Addr+"/?auth=oauth2&tls=none", "--target-oauth", "oauth.yaml")
	out := e.ends(0, []string{"12 found = 12 verified"}, append([]string{"--trace-servers"}, args...)...)
	if len(cut.Lost()) != 1 {
		t.Errorf("no connection was lost: %v", cut.Lost())
	}
	mu.Lock()
	if given["anna"]+given["bert"] < 3 {
		t.Errorf("tokens were asked for %v times", given)
	}
	mu.Unlock()
	for _, word := range []string{"eyJ", "the-client-secret", "refresh-anna"} {
		if strings.Contains(out, word) {
			t.Errorf("a secret is shown: %q", word)
		}
	}
	// The judge has a password for none of them: the files themselves are looked at.
	for _, u := range e.users {
		counterpart.Compare(t, counterpart.Maildir(e.dir+"/mail/"+u), counterpart.Maildir(d.Home(u)+"/mail"), counterpart.CompareOptions{CRLF: true})
	}
	// A service that gives tokens no more refuses before anything is changed.
	service.Close()
	if err := os.RemoveAll(e.dir + "/waybill.ledger"); err != nil {
		t.Fatal(err)
	}
	e.ends(2, []string{"oauth"}, args...)
}
