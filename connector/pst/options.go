package pst

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/directory"
	"waybill/failure"
	"waybill/format/mapi"
	format "waybill/format/pst"
)

// form says what becomes of items that are no mail.
type form string

const (
	asMessage form = "message" // a message that carries the .vcf or .ics
	asFile    form = "file"    // the .vcf or .ics itself
	left      form = "leave"   // left out and counted
)

// RuleLeft is the rule of items that items=leave leaves out.
const RuleLeft = "pst.items-left"

// options are those of the location.
type options struct {
	items   form
	recover bool
	disarm  bool
	outside bool
	page    int
	// addresses maps names of an Exchange directory, in lower case, to Internet
	// addresses.
	addresses map[string]string
	// word differs whenever the options would make other listings or messages.
	word string
}

// names of the options.
var optionNames = []string{"addresses", "codepage", "items", "outside", "receipts", "recover"}

func readOptions(ctx context.Context, loc connector.Location) (options, error) {
	o := options{items: asMessage}
	if err := loc.RejectOptions(optionNames...); err != nil {
		return o, err
	}
	wrong := func(name, remedy string) error {
		return failure.New(failure.Usage, "open", loc.String(), "usage.option", fmt.Errorf("%s=%s is not known", name, loc.Options.Get(name))).WithRemedy(remedy)
	}
	switch f := form(loc.Options.Get("items")); f {
	case "":
	case asMessage, asFile, left:
		o.items = f
	default:
		return o, wrong("items", "it is message, file or leave")
	}
	for _, flag := range []struct {
		name, on string
		set      *bool
	}{{"receipts", "disarm", &o.disarm}, {"recover", "1", &o.recover}, {"outside", "take", &o.outside}} {
		if v := loc.Options.Get(flag.name); v != "" && v != flag.on {
			return o, wrong(flag.name, "it is "+flag.name+"="+flag.on)
		} else if v != "" {
			*flag.set = true
		}
	}
	if v := loc.Options.Get("codepage"); v != "" {
		page, err := strconv.Atoi(v)
		if _, known := mapi.CodePage(page); err != nil || !known {
			return o, wrong("codepage", "it is the number of a code page, for instance 1252 or 932")
		}
		o.page = page
	}
	digest := ""
	if file := loc.Options.Get("addresses"); file != "" {
		var err error
		if o.addresses, digest, err = readAddresses(ctx, file); err != nil {
			return o, err
		}
	}
	o.word = fmt.Sprintf("%s.%t.%t.%t.%d.%s", o.items, o.disarm, o.recover, o.outside, o.page, digest)
	return o, nil
}

// readAddresses reads a user map whose column address tells for everybody the
// name in the Exchange directory and the Internet address:
// "EX:/o=Org/ou=Site/cn=Recipients/cn=anna;SMTP:anna@example.org".
func readAddresses(ctx context.Context, file string) (known map[string]string, digest string, err error) {
	f, err := files.Open(ctx, file)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	m, err := directory.ReadUserMap(file, io.TeeReader(f, h))
	if err != nil {
		return nil, "", err
	}
	known = map[string]string{}
	for _, row := range m.Rows {
		smtp := ""
		for _, a := range row.Address {
			if a.Type == directory.SMTP {
				smtp = a.Value
				break
			}
		}
		for _, a := range row.Address {
			if a.Type != directory.EX || smtp == "" {
				continue
			}
			name := strings.ToLower(a.Value)
			if other, twice := known[name]; twice && other != smtp {
				return nil, "", failure.New(failure.Usage, "read addresses", fmt.Sprintf("%s:%d", file, row.Line), "pst.addresses",
					fmt.Errorf("%s has two Internet addresses, %s and %s", a.Value, other, smtp)).WithRemedy("leave the right one")
			}
			known[name] = smtp
		}
	}
	if len(known) == 0 {
		return nil, "", failure.New(failure.Usage, "read addresses", file, "pst.addresses", errors.New("no line has both an EX and an SMTP address")).
			WithRemedy("the column address holds EX:/o=Org/ou=Site/cn=Recipients/cn=anna;SMTP:anna@example.org")
	}
	return known, fmt.Sprintf("%x", h.Sum(nil)[:8]), nil
}

// resolve answers for the converters.
func (o options) resolve() func(context.Context, string) (string, bool) {
	if o.addresses == nil {
		return nil
	}
	return func(_ context.Context, dn string) (string, bool) {
		smtp, ok := o.addresses[strings.ToLower(dn)]
		return smtp, ok
	}
}

func (o options) format() format.Options { return format.Options{Recover: o.recover, CodePage: o.page} }
