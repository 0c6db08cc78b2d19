package postoffice

import (
	"fmt"
	"slices"
	"strings"
)

// Injected is a corruption with its place.
type Injected struct {
	Corruption

	File string
	// User and Messages are whose mail is hit, as indexes in the manifest; User is -1
	// where it is nobody's.
	User     int
	Messages []int
}

// InjectAll injects every corruption into one postoffice, each at a place of its
// own. It takes at least 60 users and three groups. Of the two that spoil the shadow
// of the address list the shorter one is left out, since it would hide the other.
func InjectAll(files Files, m *Manifest) ([]Injected, error) {
	if len(m.Users) < 60 || len(m.Groups) < 3 {
		return nil, fmt.Errorf("%d users and %d groups are too few", len(m.Users), len(m.Groups))
	}
	var done []Injected
	var last []Corruption // what spoils shadows comes last: lists are written with their shadows
	for _, c := range Corruptions() {
		switch {
		case c.Name == "shadow is shorter":
			continue
		case c.Rule == "msmail.shadow":
			last = append(last, c)
			continue
		}
		in, err := inject(c, files, m)
		if err != nil {
			return nil, err
		}
		done = append(done, in)
	}
	for _, c := range last {
		in, err := inject(c, files, m)
		if err != nil {
			return nil, err
		}
		done = append(done, in)
	}
	return done, nil
}

func inject(c Corruption, files Files, m *Manifest) (in Injected, err error) {
	in = Injected{Corruption: c, User: -1}
	list := slices.Contains([]string{"msmail.tid-zero", "msmail.tid-duplicate", "msmail.tid-ahead", "msmail.alias-blank", "msmail.alias-duplicate", "msmail.hexid-duplicate", "msmail.access-missing", "msmail.nme-missing", "msmail.mailbox-name"}, c.Rule)
	mail := slices.ContainsFunc(mailCorruptions(), func(o Corruption) bool { return o.Name == c.Name })
	var hit []int
	switch {
	case list:
		hit = []int{fresh(m, 0), fresh(m, 1)}
		in.User = hit[0]
	case mail:
		u := busy(m)
		for i := range m.Users {
			if &m.Users[i] == u {
				hit, in.User = []int{i}, i
			}
		}
		for _, r := range liveRows(m)[:2] {
			in.Messages = append(in.Messages, u.Rows[r].Message)
		}
	}
	if in.File, err = c.Inject(files, m); err != nil {
		return in, fmt.Errorf("%s: %w", c.Name, err)
	}
	for _, i := range hit {
		m.Users[i].Spoiled = true
	}
	if strings.HasPrefix(c.Name, "attachment") || strings.HasPrefix(c.Rule, "fld.") {
		in.Messages, in.User = nil, -1
	}
	for _, i := range in.Messages {
		m.Messages[i].Spoiled = true
	}
	return in, nil
}
