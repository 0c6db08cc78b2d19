package oauth

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"waybill/failure"
	"waybill/secret"
)

// early is how long before its end a token counts as ended.
const early = 60 * time.Second

// defaultLife is how long a token is used when the service does not say
// (RFC 6749 5.1 only recommends that it does).
const defaultLife = 5 * time.Minute

// Source gives tokens. It may be used from several goroutines: tokens are kept
// until shortly before they end, and one is fetched at a time for each user.
type Source struct {
	config *config
	client *http.Client
	warn   func(text string)

	mu     sync.Mutex
	tokens map[string]*token
}

// token is what is kept for one user, or for all where tokens are not bound to
// users. Its lock is a channel of one, so that waiting for it can be given up.
type token struct {
	lock    chan struct{}
	last    *oauth2.Token
	rotated secret.Value // the refresh token that came last
}

// tokens is an oauth2.TokenSource that is a function.
type tokens func() (*oauth2.Token, error)

// Token calls the function.
func (f tokens) Token() (*oauth2.Token, error) { return f() }

// Open reads the YAML file. It uses no network. warn is told what the operator
// should hear, such as a new refresh token that could not be kept; nil: nobody.
func Open(name string, warn func(text string)) (*Source, error) {
	c, err := readFile(name)
	if err != nil {
		return nil, err
	}
	return newSource(c, warn), nil
}

func newSource(c *config, warn func(string)) *Source {
	if warn == nil {
		warn = func(string) {}
	}
	return &Source{config: c, client: newClient(), warn: warn, tokens: map[string]*token{}}
}

// Close ends idle connections to the token service.
func (s *Source) Close() { s.client.CloseIdleConnections() }

// key is what a token is kept under: the user where tokens are bound to one.
func (s *Source) key(user string) string {
	switch s.config.Flow {
	case clientCredentials:
		return ""
	case refreshToken:
		if !strings.Contains(s.config.RefreshToken, "{user}") {
			return ""
		}
	}
	return user
}

func (s *Source) entry(ctx context.Context, user string) (*token, error) {
	s.mu.Lock()
	t, ok := s.tokens[s.key(user)]
	if !ok {
		t = &token{lock: make(chan struct{}, 1)}
		s.tokens[s.key(user)] = t
	}
	s.mu.Unlock()
	select {
	case t.lock <- struct{}{}:
		return t, nil
	case <-ctx.Done():
		return nil, failure.New(failure.Cancelled, "get a token", user, "oauth.cancelled", ctx.Err())
	}
}

// Token gives a token for logging on as the user, from memory or from the
// service. fresh is true when it was fetched by this call.
func (s *Source) Token(ctx context.Context, user string) (v secret.Value, fresh bool, err error) {
	t, err := s.entry(ctx, user)
	if err != nil {
		return v, false, err
	}
	defer func() { <-t.lock }()
	got, err := oauth2.ReuseTokenSourceWithExpiry(t.last, tokens(func() (*oauth2.Token, error) {
		fresh = true
		return s.fetch(ctx, user, t)
	}), early).Token()
	if err != nil {
		return v, false, err
	}
	t.last = got
	return secret.Of(got.AccessToken), fresh, nil
}

// Refused says that a server did not take a token, so that the next call of
// Token fetches another one.
func (s *Source) Refused(ctx context.Context, user string, v secret.Value) {
	t, err := s.entry(ctx, user)
	if err != nil {
		return
	}
	defer func() { <-t.lock }()
	if t.last != nil && t.last.AccessToken == v.Reveal() {
		t.last = nil
	}
}

// fetch asks the service for a token. All flows go through the library's client
// credentials, whose grant_type may be another: its renewal (oauth2.Config) sends
// no scope and no client assertion along, and its x/oauth2/jwt cannot be cancelled.
func (s *Source) fetch(ctx context.Context, user string, kept *token) (*oauth2.Token, error) {
	form := url.Values{}
	for name, value := range s.config.Parameters {
		form.Set(name, value)
	}
	ask := &clientcredentials.Config{ClientID: s.config.ClientID, TokenURL: s.config.TokenURL, Scopes: s.config.Scopes, EndpointParams: form, AuthStyle: oauth2.AuthStyleInParams}
	var place secret.Ref
	switch s.config.Flow {
	case refreshToken:
		var err error
		if place, err = s.config.refresh(user); err != nil {
			return nil, err
		}
		value := kept.rotated
		if value.IsZero() {
			if value, err = place.Resolve(ctx); err != nil {
				return nil, err
			}
		}
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", value.Reveal())
	case serviceAccount:
		if err := s.config.delegate(ctx, user, ask); err != nil {
			return nil, err
		}
	}
	if err := s.config.identify(ctx, ask); err != nil {
		return nil, err
	}
	got, err := ask.Token(context.WithValue(ctx, oauth2.HTTPClient, s.client))
	if err == nil && strings.ContainsFunc(got.AccessToken, func(c rune) bool { return c <= ' ' || c > '~' }) {
		err = errors.New("not a token")
	}
	if err != nil {
		return nil, s.failed(ctx, user, ask, err)
	}
	if next := got.RefreshToken; !place.IsZero() && next != form.Get("refresh_token") {
		kept.rotated = secret.Of(next)
		s.keep(place, kept.rotated)
	}
	if !got.Expiry.After(time.Now()) {
		got.Expiry = time.Now().Add(defaultLife)
	}
	return got, nil
}

// keep writes a new refresh token where the old one was.
func (s *Source) keep(place secret.Ref, refresh secret.Value) {
	switch done, err := place.Replace(refresh); {
	case err != nil:
		s.warn("The token service has sent a new refresh token, and it could not be written to " + place.String() + "; it works for as long as this program runs. " + err.Error())
	case !done:
		s.warn("The token service has sent a new refresh token, and " + place.String() + " cannot be written to; it works for as long as this program runs. Keep the token in a file to have it kept.")
	}
}

// identify adds how the client proves itself; a public client (RFC 6749 2.1) and a
// service account do not.
func (c *config) identify(ctx context.Context, ask *clientcredentials.Config) error {
	switch {
	case c.Flow == serviceAccount:
	case c.CertificateFile != "":
		assertion, err := c.assertion(ctx)
		if err != nil {
			return err
		}
		ask.EndpointParams.Set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
		ask.EndpointParams.Set("client_assertion", assertion)
	case !c.secret.IsZero():
		value, err := c.secret.Resolve(ctx)
		if err != nil {
			return err
		}
		ask.ClientSecret = value.Reveal()
	}
	return nil
}
