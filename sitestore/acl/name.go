package acl

import "strings"

// DN is the distinguished name of an object: /o=Org/ou=Site/cn=Recipients/cn=anna.
// A "/" or "\" inside a name has a "\" before it.
type DN string

var escaper = strings.NewReplacer(`\`, `\\`, `/`, `\/`)

// OrganizationDN is the root of the first context.
func OrganizationDN(organization string) DN { return DN("/o=" + escaper.Replace(organization)) }

// SiteDN is the root of the second context.
func SiteDN(organization, site string) DN {
	return OrganizationDN(organization) + DN("/ou="+escaper.Replace(site))
}

// ConfigurationDN is the root of the third context.
func ConfigurationDN(organization, site string) DN {
	return SiteDN(organization, site).Child("Configuration")
}

// Child is the object called name below d.
func (d DN) Child(name string) DN { return d + DN("/cn="+escaper.Replace(name)) }

// split returns the parts of d with their escapes left in.
func (d DN) split() []string {
	var parts []string
	start := -1
	for i := 0; i < len(d); i++ {
		switch d[i] {
		case '\\':
			i++
		case '/':
			if start >= 0 {
				parts = append(parts, string(d[start:i]))
			}
			start = i + 1
		}
	}
	if start >= 0 {
		parts = append(parts, string(d[start:]))
	}
	return parts
}

// Level tells what kind of object d is.
func (d DN) Level() Level {
	switch parts := d.split(); {
	case len(parts) == 1:
		return Organization
	case len(parts) == 2:
		return Site
	case len(parts) == 3 && parts[2] == "cn=Configuration":
		return Configuration
	}
	return Object
}

// Context is the root whose permissions reach d: d itself for the three roots.
// Rights of the organization end at the root of the site, and those of the
// site at the root of the configuration (KB Q241152).
func (d DN) Context() DN {
	chain := d.Chain()
	return chain[len(chain)-1]
}

// Chain lists d and the objects above it up to the root of its context,
// innermost first. It is never empty.
func (d DN) Chain() []DN {
	parts := d.split()
	root := min(len(parts), 2)
	if len(parts) >= 3 && parts[2] == "cn=Configuration" {
		root = 3
	}
	if root == 0 {
		return []DN{d}
	}
	var chain []DN
	for n := len(parts); n >= root; n-- {
		chain = append(chain, DN("/"+strings.Join(parts[:n], "/")))
	}
	return chain
}
