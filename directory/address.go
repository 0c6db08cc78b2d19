package directory

import (
	"fmt"
	"strings"
)

// Address types that Waybill meets. Others are carried as they are.
const (
	SMTP   = "SMTP"
	MS     = "MS"
	X400   = "X400"
	CCMAIL = "CCMAIL"
	EX     = "EX"
	// Migrate is the type that binds a source account to a mailbox in the
	// Migration Wizard's files: MIGRATE:PROFS:SITE(USER).
	Migrate = "MIGRATE"
)

// Address is a typed address: SMTP:anna@example.org, MS:NET/PO/ANNA,
// X400:C=DE;A= ;P=Org;S=Berg;.
type Address struct {
	Type  string // upper case
	Value string
}

// ParseAddress reads TYPE:value. Text without a type that looks like a mailbox
// at a domain is SMTP; anything else is an error.
func ParseAddress(s string) (Address, error) {
	s = strings.TrimSpace(s)
	if kind, value, ok := strings.Cut(s, ":"); ok && kind != "" && !strings.ContainsAny(kind, "@ /") {
		if value == "" {
			return Address{}, fmt.Errorf("address %q has a type and no value", s)
		}
		return Address{Type: strings.ToUpper(kind), Value: value}, nil
	}
	if i := strings.LastIndexByte(s, '@'); i > 0 && i < len(s)-1 {
		return Address{Type: SMTP, Value: s}, nil
	}
	return Address{}, fmt.Errorf("address %q: want TYPE:value, or user@domain", s)
}

func (a Address) String() string { return a.Type + ":" + a.Value }

// Key is a form for comparing: types and values compare without case, except
// that nothing else is assumed of a value.
func (a Address) Key() string { return a.Type + ":" + strings.ToLower(a.Value) }
