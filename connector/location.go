package connector

import (
	"fmt"
	"net/url"
	"strings"

	"waybill/failure"
)

// Location is the name of a system on the command line: scheme:path?option=value
// for systems in files, scheme://host?option=value for servers.
type Location struct {
	Scheme string
	// Path is the file or directory, as given; empty for servers.
	Path string
	// URL is set for servers.
	URL     *url.URL
	Options url.Values
}

// ParseLocation reads the name of a system. A "?" begins the options only if a
// "=" follows it, so that file names with question marks survive.
func ParseLocation(s string) (Location, error) {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || scheme == "" || rest == "" {
		return Location{}, usage(s, "want SYSTEM:PATH, for instance maildir:/srv/mail or site:new.site")
	}
	loc := Location{Scheme: strings.ToLower(scheme), Path: rest}
	if i := strings.LastIndexByte(rest, '?'); i >= 0 && strings.Contains(rest[i:], "=") {
		options, err := url.ParseQuery(rest[i+1:])
		if err != nil {
			return Location{}, usage(s, "options after ? are name=value, joined by &")
		}
		loc.Path, loc.Options = rest[:i], options
	}
	if strings.HasPrefix(rest, "//") {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" {
			return Location{}, usage(s, "want scheme://host[:port]")
		}
		if _, secret := u.User.Password(); secret {
			return Location{}, usage(u.Redacted(), "a password does not belong on the command line")
		}
		loc.Path, loc.URL, loc.Options = "", u, u.Query()
	}
	if loc.Path == "" && loc.URL == nil {
		return Location{}, usage(s, "want SYSTEM:PATH, for instance maildir:/srv/mail or site:new.site")
	}
	return loc, nil
}

// String is the location as it may be shown and kept in a ledger.
func (l Location) String() string {
	if l.URL != nil {
		return l.URL.Redacted()
	}
	s := l.Scheme + ":" + l.Path
	if len(l.Options) > 0 {
		s += "?" + l.Options.Encode()
	}
	return s
}

// RejectOptions returns an error when the location has options other than known.
func (l Location) RejectOptions(known ...string) error {
next:
	for name := range l.Options {
		for _, k := range known {
			if k == name {
				continue next
			}
		}
		remedy := "it takes none"
		if len(known) > 0 {
			remedy = "it takes " + strings.Join(known, ", ")
		}
		return failure.New(failure.Usage, "open", l.String(), "usage.option", fmt.Errorf("%s has no option %q", l.Scheme, name)).WithRemedy(remedy)
	}
	return nil
}

func usage(where, remedy string) error {
	return failure.New(failure.Usage, "read the name of a system", where, "usage.location", nil).WithRemedy(remedy)
}
