package provisioner

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"waybill/directory"
	"waybill/failure"
)

// prefix begins the names of all variables that a command is given.
const prefix = "WAYBILL_"

// Bounds of what goes into an environment: systems refuse a program whose
// environment is too large, and one long value must not cost the account.
const (
	maxValue      = 16 << 10
	maxAttributes = 200
)

// Facts are what a command is told of an account.
type Facts struct {
	// User is the user's name in the source; a canary has its account's.
	User string
	// Account is the account's name in the target.
	Account string
	// Again says that an earlier run began to make this account.
	Again bool
	// Entry is what else is known; its ID does not count.
	Entry directory.User
}

// environ gives the facts as variables. An account name with a control character
// in it is refused: in the files that such commands write a line's end begins
// another account.
func (f Facts) environ() ([]string, error) {
	if f.Account == "" || strings.ContainsFunc(f.Account, unicode.IsControl) || len(f.Account) > maxValue {
		return nil, failure.New(failure.Malformed, "run the provisioning command", fmt.Sprintf("%q", f.Account), "provision.account-name",
			errors.New("the name is empty, too long or has a control character")).WithRemedy("give the user another account in the user map")
	}
	env := []string{prefix + "ACCOUNT=" + f.Account}
	add := func(name, value string) {
		if v := oneLine(value); v != "" {
			env = append(env, prefix+name+"="+v)
		}
	}
	kind := string(f.Entry.Kind)
	if kind == "" {
		kind = "person"
	}
	add("USER", f.User)
	add("NAME", f.Entry.Name)
	add("FIRST", f.Entry.First)
	add("LAST", f.Entry.Last)
	add("KIND", kind)
	if a, ok := f.Entry.Address(directory.SMTP); ok {
		add("ADDRESS", a.Value)
	}
	var addresses []string
	for _, a := range f.Entry.Addresses {
		if a.Type == directory.SMTP {
			addresses = append(addresses, oneLine(a.Value))
		}
	}
	if all := strings.Join(addresses, "\n"); all != "" && len(all) <= maxValue {
		env = append(env, prefix+"ADDRESSES="+all)
	}
	if f.Again {
		env = append(env, prefix+"AGAIN=1")
	}
	for i, name := range slices.Sorted(maps.Keys(f.Entry.Attributes)) {
		if i == maxAttributes {
			break
		}
		add("ATTRIBUTE_"+variable(name), f.Entry.Attributes[name])
	}
	return env, nil
}

// oneLine makes a value of one line, without control characters.
func oneLine(value string) string {
	value = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(value, "?"))
	if len(value) > maxValue {
		value = strings.ToValidUTF8(value[:maxValue], "")
	}
	return strings.TrimSpace(value)
}

// variable makes the name of a variable of an attribute's: letters, digits and
// low lines, everything else becomes a low line.
func variable(attribute string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, attribute[:min(len(attribute), 100)])
}
