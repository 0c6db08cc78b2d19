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
	if strings.HasPrefix(rest, "//") {
		return parseServer(scheme, rest)
	}
	loc := Location{Scheme: strings.ToLower(scheme), Path: rest}
	if i := strings.LastIndexByte(rest, '?'); i >= 0 && strings.Contains(rest[i:], "=") {
		options, err := url.ParseQuery(rest[i+1:])
		if err != nil {
			return Location{}, usage(s, "options after ? are name=value, joined by &")
		}
		loc.Path, loc.Options = rest[:i], options
	}
	if loc.Path == "" {
		return Location{}, usage(s, "want SYSTEM:PATH, for instance maildir:/srv/mail or site:new.site")
	}
	return loc, nil
}

// parseServer reads the name of a system that is a server.
func parseServer(scheme, rest string) (Location, error) {
	shown := scheme + ":" + withoutSecret(rest)
	u, err := url.Parse(scheme + ":" + rest)
	if err != nil || u.Hostname() == "" {
		return Location{}, usage(shown, "want scheme://host[:port]")
	}
	if _, secret := u.User.Password(); secret {
		return Location{}, usage(shown, "a password does not belong on the command line")
	}
	if u.Fragment != "" {
		return Location{}, usage(shown, "nothing may follow #")
	}
	options, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return Location{}, usage(shown, "options after ? are name=value, joined by &")
	}
	return Location{Scheme: strings.ToLower(scheme), URL: u, Options: options}, nil
}

// withoutSecret leaves out whatever may be a user's name and password, also
// where the name cannot be parsed.
func withoutSecret(rest string) string {
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		return "//..." + rest[i:]
	}
	return rest
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
