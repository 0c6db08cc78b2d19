package oauth

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"waybill/failure"
)

// failed tells what an error of x/oauth2 means. The library's own words are left
// out: they may quote the answer, and with it a token.
func (s *Source) failed(ctx context.Context, user string, asked *clientcredentials.Config, err error) error {
	host := asked.TokenURL
	if u, err := url.Parse(host); err == nil {
		host = u.Host
	}
	fail := func(class failure.Class, rule string, err error) *failure.Error {
		return failure.New(class, "get a token for "+user, host, rule, err)
	}
	refusal, refused := errors.AsType[*oauth2.RetrieveError](err)
	lost, unreachable := errors.AsType[*url.Error](err)
	switch {
	case unreachable && ctx.Err() != nil:
		return fail(failure.Cancelled, "oauth.cancelled", ctx.Err())
	case unreachable:
		return fail(failure.Transient, "oauth.unreachable", lost.Err)
	case !refused:
		return fail(failure.Malformed, "oauth.answer", errors.New("the service sent something that is no token"))
	}
	status, after := refusal.Response.StatusCode, refusal.Response.Header.Get("Retry-After")
	said := said(refusal, asked)
	fleeting := status >= 500 || refusal.ErrorCode == "temporarily_unavailable" || refusal.ErrorCode == "server_error"
	switch {
	case status == http.StatusTooManyRequests || fleeting && after != "":
		e := fail(failure.Throttled, "oauth.throttled", said)
		e.RetryAfter = retryAfter(after)
		return e
	case fleeting:
		return fail(failure.Transient, "oauth.unavailable", said)
	}
	rule, remedy := s.config.refused(refusal.ErrorCode)
	return fail(failure.Denied, rule, said).WithRemedy(remedy)
}

// refused tells what a refusal means (RFC 6749 5.2) and what helps.
func (c *config) refused(code string) (rule, remedy string) {
	delegated := c.Flow == serviceAccount
	switch code {
	case "invalid_grant":
		if delegated {
			return "oauth.invalid-grant", "the user must exist under its primary address, the key must not be withdrawn, and this machine's clock must be right"
		}
		return "oauth.invalid-grant", "the refresh token has ended or was withdrawn: let the user consent again and put the new token where " + c.RefreshToken + " is"
	case "invalid_client":
		return "oauth.invalid-client", "check client-id, and the client's secret or certificate: it may have expired"
	case "unauthorized_client", "access_denied":
		if delegated {
			return "oauth.unauthorized-client", "in Google's Admin console, Security > API controls > Domain-wide delegation, enter the client's number with the scopes " + strings.Join(c.Scopes, " ")
		}
		return "oauth.unauthorized-client", "grant the application its permission, with the administrator's consent"
	case "invalid_scope":
		return "oauth.invalid-scope", "check scopes; for Exchange Online with client-credentials it is https://outlook.office365.com/.default"
	}
	return "oauth.refused", "check token-url and client-id"
}

// said is the service's own word, short and printable, without what it was sent.
func said(refusal *oauth2.RetrieveError, asked *clientcredentials.Config) error {
	text := strings.TrimSpace(refusal.ErrorCode + " " + refusal.ErrorDescription)
	if text == "" {
		return fmt.Errorf("the service answers %d", refusal.Response.StatusCode)
	}
	form := asked.EndpointParams
	for _, sent := range []string{asked.ClientSecret, form.Get("refresh_token"), form.Get("assertion"), form.Get("client_assertion")} {
		if sent != "" {
			text = strings.ReplaceAll(text, sent, "***")
		}
	}
	return fmt.Errorf("the service answers %d: %.300q", refusal.Response.StatusCode, text)
}

// retryAfter reads the header (RFC 9110 10.2.3); a minute when it says nothing.
func retryAfter(text string) time.Duration {
	wait := time.Minute
	if n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 32); err == nil {
		wait = time.Duration(n) * time.Second
	} else if t, err := http.ParseTime(text); err == nil {
		wait = time.Until(t)
	}
	return min(max(wait, time.Second), 24*time.Hour)
}
