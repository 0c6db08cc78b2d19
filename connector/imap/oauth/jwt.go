package oauth

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"os"
	"strings"
	"time"

	"golang.org/x/oauth2/clientcredentials"

	"waybill/failure"
)

// assertionLife is how long an assertion may be used. Google takes an hour at
// most; ours is used at once.
const assertionLife = 10 * time.Minute

// clockSlack sets the beginning of an assertion back, for clocks that differ.
const clockSlack = 30 * time.Second

// sign makes a JSON web token of claims (RFC 7519 4.1) under RS256 (RFC 7515,
// RFC 7518 3.3), which holds from now on.
func sign(key *rsa.PrivateKey, header, claims map[string]any) (string, error) {
	header["alg"], header["typ"] = "RS256", "JWT"
	claims["iat"], claims["exp"] = time.Now().Add(-clockSlack).Unix(), time.Now().Add(assertionLife).Unix()
	head, _ := json.Marshal(header) // texts and numbers, which cannot fail
	body, _ := json.Marshal(claims)
	signed := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(signed))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), err
}

// parseKey reads an RSA key in PEM, PKCS 8 or PKCS 1.
func parseKey(text []byte) (*rsa.PrivateKey, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return key, nil
		}
		if key, err := x509.ParsePKCS8PrivateKey(block.Bytes); err == nil {
			if key, ok := key.(*rsa.PrivateKey); ok {
				return key, nil
			}
			return nil, errors.New("the key is not an RSA key")
		}
	}
	return nil, errors.New("there is no private key in PEM without a password")
}

func (c *config) keyError(err error) error {
	return failure.New(failure.Usage, "read a private key", c.key.String(), "oauth.key", err)
}

// delegate makes the question one of a service account, for a token that works on
// the user's mailbox (RFC 7523 2.1).
func (c *config) delegate(ctx context.Context, user string, ask *clientcredentials.Config) error {
	text, err := c.key.ResolveAll(ctx)
	if err != nil {
		return err
	}
	var a struct { // what of Google's file counts
		Email    string `json:"client_email"`
		KeyID    string `json:"private_key_id"`
		Key      string `json:"private_key"`
		TokenURL string `json:"token_uri"`
	}
	if err := json.Unmarshal([]byte(text.Reveal()), &a); err != nil || a.Email == "" || a.Key == "" {
		// The cause may quote the text.
		return c.keyError(errors.New("this is no JSON file of a service account"))
	}
	key, err := parseKey([]byte(a.Key))
	if err != nil {
		return c.keyError(err)
	}
	if ask.TokenURL == "" {
		ask.TokenURL = a.TokenURL
	}
	if err := checkURL(ask.TokenURL); err != nil {
		return c.keyError(err)
	}
	assertion, err := sign(key, map[string]any{"kid": a.KeyID},
		map[string]any{"iss": a.Email, "sub": user, "aud": ask.TokenURL, "scope": strings.Join(c.Scopes, " ")})
	ask.Scopes = nil // they are in the assertion
	ask.EndpointParams.Set("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
	ask.EndpointParams.Set("assertion", assertion)
	return err
}

// assertion is how a client proves itself with a certificate (RFC 7523 2.2, as
// Entra ID wants it: x5t#S256 names the certificate).
func (c *config) assertion(ctx context.Context) (string, error) {
	text, err := c.key.ResolveAll(ctx)
	if err != nil {
		return "", err
	}
	key, err := parseKey([]byte(text.Reveal()))
	if err != nil {
		return "", c.keyError(err)
	}
	name := c.beside(c.CertificateFile)
	raw, err := os.ReadFile(name)
	if err != nil {
		return "", bad(name, err)
	}
	certificate, err := firstCertificate(raw)
	if err != nil {
		return "", bad(name, err)
	}
	if public, ok := certificate.PublicKey.(*rsa.PublicKey); !ok || !key.PublicKey.Equal(public) {
		return "", bad(name, errors.New("the certificate belongs to another key"))
	}
	if time.Now().After(certificate.NotAfter) {
		return "", failure.New(failure.Denied, "prove who we are to the token service", name, "oauth.certificate", errors.New("the certificate has expired on "+certificate.NotAfter.Format(time.DateOnly))).
			WithRemedy("make a new one and upload it where the application is registered")
	}
	thumb := sha256.Sum256(certificate.Raw)
	return sign(key, map[string]any{"x5t#S256": base64.RawURLEncoding.EncodeToString(thumb[:])},
		map[string]any{"iss": c.ClientID, "sub": c.ClientID, "aud": c.TokenURL, "jti": rand.Text(), "nbf": time.Now().Add(-clockSlack).Unix()})
}

func firstCertificate(text []byte) (*x509.Certificate, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
	}
	return nil, errors.New("there is no certificate in PEM")
}
