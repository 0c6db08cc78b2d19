package oauth

import (
	"bytes"
	"io"
	"net/http"
	"time"
)

// maxAnswer bounds what a token service may send, patience how long it may take.
const (
	maxAnswer = 1 << 20
	patience  = 60 * time.Second
)

// newClient asks token services. Redirects are not followed: they would carry the
// secrets on to another address.
func newClient() *http.Client {
	return &http.Client{Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: whole{&http.Transport{Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: patience}}}
}

// whole hands over answers that came to their end: one that breaks off is an error
// of the network, which x/oauth2 would not tell from an answer without sense.
type whole struct{ *http.Transport }

// RoundTrip sends a request and reads the answer.
func (w whole) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := w.Transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	_ = response.Body.Close()
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(body))
	// It is JSON (RFC 6749 5.1) whatever it is called; x/oauth2 would read
	// text/plain as a form.
	response.Header.Set("Content-Type", "application/json")
	return response, nil
}
