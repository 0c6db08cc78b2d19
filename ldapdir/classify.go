package ldapdir

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"waybill/failure"
)

// verdict is what a result code of RFC 4511 4.1.9 means to a migration.
type verdict struct {
	class  failure.Class
	rule   string
	remedy string
}

var verdicts = map[uint16]verdict{
	ldap.LDAPResultTimeLimitExceeded:            {failure.Transient, "ldap.time-limit", ""},
	ldap.LDAPResultSizeLimitExceeded:            {failure.TooLarge, "ldap.size-limit", "ask the directory's administrator for a higher limit, or narrow the base"},
	ldap.LDAPResultAuthMethodNotSupported:       {failure.Unsupported, "ldap.auth-method", "choose another one with the option auth"},
	ldap.LDAPResultStrongAuthRequired:           {failure.Denied, "ldap.tls-required", "use ldaps://, or tls=starttls"},
	ldap.LDAPResultReferral:                     {failure.Unsupported, "ldap.referral", "name the server that holds this part of the directory"},
	ldap.LDAPResultAdminLimitExceeded:           {failure.TooLarge, "ldap.admin-limit", "ask the directory's administrator for a higher limit"},
	ldap.LDAPResultConfidentialityRequired:      {failure.Denied, "ldap.tls-required", "use ldaps://, or tls=starttls"},
	ldap.LDAPResultNoSuchAttribute:              {failure.Vanished, "ldap.no-attribute", ""},
	ldap.LDAPResultUndefinedAttributeType:       {failure.Unsupported, "ldap.schema", "this directory does not know the attribute"},
	ldap.LDAPResultConstraintViolation:          {failure.Unsupported, "ldap.constraint", ""},
	ldap.LDAPResultAttributeOrValueExists:       {failure.Conflict, "ldap.value-exists", ""},
	ldap.LDAPResultInvalidAttributeSyntax:       {failure.Unsupported, "ldap.syntax", ""},
	ldap.LDAPResultNoSuchObject:                 {failure.Vanished, "ldap.no-object", ""},
	ldap.LDAPResultInvalidDNSyntax:              {failure.Usage, "ldap.dn", ""},
	ldap.LDAPResultInappropriateAuthentication:  {failure.Denied, "ldap.auth", ""},
	ldap.LDAPResultInvalidCredentials:           {failure.Denied, "ldap.credentials", "look at the name (the option bind) and at the password"},
	ldap.LDAPResultInsufficientAccessRights:     {failure.Denied, "ldap.rights", ""},
	ldap.LDAPResultBusy:                         {failure.Transient, "ldap.busy", ""},
	ldap.LDAPResultUnavailable:                  {failure.Transient, "ldap.unavailable", ""},
	ldap.LDAPResultUnwillingToPerform:           {failure.Unsupported, "ldap.unwilling", ""},
	ldap.LDAPResultNamingViolation:              {failure.Unsupported, "ldap.naming", "the container does not take entries of this class"},
	ldap.LDAPResultObjectClassViolation:         {failure.Unsupported, "ldap.schema", "the directory's schema forbids an attribute, or wants another one"},
	ldap.LDAPResultNotAllowedOnNonLeaf:          {failure.Conflict, "ldap.not-empty", "entries lie below it"},
	ldap.LDAPResultEntryAlreadyExists:           {failure.Conflict, "ldap.exists", ""},
	ldap.LDAPResultUnavailableCriticalExtension: {failure.Unsupported, "ldap.extension", ""},
}

// classify gives an error of the library its class.
func classify(op, where string, err error) error {
	if err == nil {
		return nil
	}
	if ready, ok := errors.AsType[*failure.Error](err); ok {
		return ready
	}
	answer, ok := errors.AsType[*ldap.Error](err)
	if !ok {
		return failure.New(failure.Transient, op, where, "ldap.connection", err)
	}
	if broken(err) {
		return failure.New(failure.Transient, op, where, "ldap.connection", answer.Err)
	}
	v, known := verdicts[answer.ResultCode]
	if !known {
		v = verdict{failure.Unsupported, "ldap.refused", ""}
	}
	words := words(answer)
	// Active Directory tells a password that its policy refuses by this Windows
	// error, behind three different result codes.
	if strings.Contains(words, "0000052D") {
		v = verdict{failure.Unsupported, "ldap.password-policy", "the domain's rules for passwords refuse it: longer, or of more kinds of characters"}
	}
	return failure.New(v.class, op, where, v.rule, errors.New(words)).WithRemedy(v.remedy)
}

// words are what the server said, fit for a line of a report.
func words(e *ldap.Error) string {
	text := ldap.LDAPResultCodeMap[e.ResultCode]
	if e.Err != nil && e.Err.Error() != "" {
		text += ": " + e.Err.Error()
	}
	if text == "" {
		text = fmt.Sprintf("result %d", e.ResultCode)
	}
	if e.MatchedDN != "" {
		text += fmt.Sprintf(" (known is %q)", e.MatchedDN)
	}
	text = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, text)
	if len(text) > 500 {
		text = strings.ToValidUTF8(text[:500], "")
	}
	return strings.TrimSpace(text)
}

// ruleIs reports whether an error broke one of the rules.
func ruleIs(err error, rules ...string) bool {
	e, ok := errors.AsType[*failure.Error](err)
	if !ok {
		return false
	}
	return slices.Contains(rules, e.Rule)
}
