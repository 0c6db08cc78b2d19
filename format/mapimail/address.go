package mapimail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"waybill/format/imcea"
	"waybill/format/mapi"
	"waybill/format/mime"
)

// noAddress stands where a header needs an address and the source has only a
// name. The domain is one that never exists (RFC 2606 2).
const noAddress = "no-address@migrated.invalid"

// maxName is the longest display name, in bytes.
const maxName = 500

// party is somebody who sent or gets a message, as MAPI names them.
type party struct {
	name, kind, address, smtp string
	proxies                   []string
	entry                     []byte
}

// legacy is the address in its old form ("EX:/o=..."), empty for Internet addresses.
func (p *party) legacy() string {
	if p.kind == "" || strings.EqualFold(p.kind, "SMTP") || p.address == "" {
		return ""
	}
	return strings.ToUpper(p.kind) + ":" + p.address
}

// empty reports whether nothing is known of p.
func (p *party) empty() bool {
	return p.name == "" && p.address == "" && p.smtp == "" && len(p.proxies) == 0
}

// partyOf reads a group of properties ([MS-OXOMSG] 2.2.1.48 to 2.2.1.60), one of
// which may be missing.
func partyOf(p *mapi.Props, name, kind, address, smtp, entry mapi.ID) party {
	one := party{
		name: unquote(p.Text(name)), kind: strings.TrimSpace(p.Text(kind)), address: strings.TrimSpace(p.Text(address)),
		smtp: strings.TrimSpace(p.Text(smtp)),
	}
	if strings.EqualFold(one.kind, "UNKNOWN") && strings.EqualFold(one.address, "UNKNOWN") {
		one.kind, one.address = "", "" // what Outlook writes for nobody
	}
	if entry != 0 {
		one.entry = p.Binary(entry)
		one.complete()
	}
	return one
}

// recipientOf reads a row of the recipient table ([MS-OXOMSG] 2.2.3).
func recipientOf(p *mapi.Props) party {
	one := partyOf(p, mapi.DisplayName, mapi.AddressType, mapi.EmailAddress, mapi.SMTPAddress, mapi.RecipientEntryID)
	if one.address == "" && len(one.entry) == 0 {
		one.entry = p.Binary(mapi.EntryID)
		one.complete()
	}
	one.proxies = p.Texts(mapi.AddressBookProxyAddresses)
	return one
}

// complete takes from the entry identifier what the properties do not tell.
func (p *party) complete() {
	if p.address != "" && p.kind != "" || len(p.entry) == 0 {
		return
	}
	if from, ok := parseEntry(p.entry); ok {
		p.kind, p.address = from.kind, from.address
		if p.name == "" {
			p.name = from.name
		}
	}
}

// resolve finds the Internet address of p: the one that the item states, the one
// of the caller's directory, a proxy address, or the old address in the form that
// gateways use.
func (c *converter) resolve(ctx context.Context, p party) mime.Address {
	name := clip(strings.TrimSpace(oneLine(p.name)), maxName)
	addr := ""
	candidates := []string{p.smtp}
	if p.kind == "" || strings.EqualFold(p.kind, "SMTP") {
		candidates = append(candidates, p.address)
	}
	if strings.EqualFold(p.kind, "EX") && c.Resolve != nil {
		if smtp, ok := c.Resolve(ctx, p.address); ok {
			candidates = append(candidates, smtp)
		}
	}
	// "SMTP:" in capitals marks the first one ([MS-OXOABK] 2.2.3.23).
	for _, prefix := range []string{"SMTP:", "smtp:"} {
		for _, proxy := range p.proxies {
			if rest, ok := strings.CutPrefix(proxy, prefix); ok {
				candidates = append(candidates, rest)
			}
		}
	}
	candidates = append(candidates, p.address, p.name)
	for _, candidate := range candidates {
		candidate = strings.TrimSpace(candidate)
		if rest, ok := strings.CutPrefix(strings.ToLower(candidate), "smtp:"); ok {
			candidate = candidate[len(candidate)-len(rest):]
		}
		if candidate = strings.Trim(candidate, "<>' "); isSMTP(candidate) {
			addr = candidate
			break
		}
	}
	switch {
	case addr != "":
	case p.address != "" && isKind(p.kind):
		addr = encapsulate(p.kind, p.address)
		c.note("address-unresolved", "No Internet address is known for "+clip(oneLine(p.legacy()), 400)+".")
	case name != "" || p.address != "":
		addr = noAddress
		if name == "" {
			name = clip(oneLine(p.address), maxName)
		}
		c.note("address-missing", "The source has no address for "+name+".")
	}
	if strings.EqualFold(name, addr) {
		name = ""
	}
	return mime.Address{Name: name, Addr: addr}
}

// isKind reports whether a type of addresses can stand in an address: at most
// eight letters and digits.
func isKind(kind string) bool {
	for i := 0; i < len(kind); i++ {
		if c := kind[i]; !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9') {
			return false
		}
	}
	return kind != "" && len(kind) <= 8
}

// encapsulate writes an address of another kind as an Internet address
// ([MS-OXCMAIL] 2.1.3.1.8), from which it can be had back. One that is too long
// for a header line is cut, and told from others by a digest.
func encapsulate(kind, address string) string {
	b := []byte(imcea.Begin(strings.ToUpper(kind)))
	for i := 0; i < len(address); i++ {
		b = imcea.AppendByte(b, address[i])
		if len(b) > 600 {
			sum := sha256.Sum256([]byte(address))
			b = append(b, "+20"+hex.EncodeToString(sum[:8])...)
			break
		}
	}
	return string(b) + "@migrated.invalid"
}

// isSMTP reports whether s is an address that can stand in a header as it is:
// ASCII, a local part, and a domain of letters, digits, dots and hyphens.
func isSMTP(s string) bool {
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || at == len(s)-1 || len(s) > 320 || !printable(s) {
		return false
	}
	local, domain := s[:at], s[at+1:]
	if strings.ContainsAny(local, `"()<>[]:;@\,`) || strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return false
	}
	if strings.HasPrefix(domain, "[") && strings.HasSuffix(domain, "]") {
		domain = domain[1 : len(domain)-1]
		return domain != "" && !strings.ContainsAny(domain, `[]\<>`)
	}
	for label := range strings.SplitSeq(domain, ".") {
		if label == "" {
			return false
		}
		for i := 0; i < len(label); i++ {
			ch := label[i]
			if !('a' <= ch && ch <= 'z' || 'A' <= ch && ch <= 'Z' || '0' <= ch && ch <= '9' || ch == '-' || ch == '_') {
				return false
			}
		}
	}
	return true
}

// unquote takes the quotes off that Outlook puts around a name that is an address.
func unquote(name string) string {
	name = strings.TrimSpace(name)
	if len(name) > 2 && name[0] == '\'' && name[len(name)-1] == '\'' {
		return name[1 : len(name)-1]
	}
	return name
}
