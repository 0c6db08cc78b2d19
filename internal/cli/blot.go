package cli

import (
	"os"
	"slices"
	"strings"
)

// passwordSwitch tells whether an argument is the Migration Wizard's switch for
// a password, and how long the part in front of the password is.
func passwordSwitch(arg string) (prefix int, ok bool) {
	if len(arg) > 3 && (arg[0] == '/' || arg[0] == '-') && (arg[1] == 'p' || arg[1] == 'P') && arg[2] == ':' {
		return 3, true
	}
	return 0, false
}

// takePasswords copies the arguments and overwrites the passwords among those of
// the process, where other users of the machine can read them. What is left for
// ledgers and logs is shown, with the passwords blotted out.
func takePasswords(args []string) (taken, shown []string) {
	if len(args) == 0 || !slices.Contains(args, "mailmig") {
		return args, args
	}
	taken, shown = make([]string, len(args)), make([]string, len(args))
	for i, a := range args {
		taken[i] = strings.Clone(a)
		shown[i] = taken[i]
		if n, ok := passwordSwitch(a); ok {
			shown[i] = taken[i][:n] + "***"
		}
		// "/P: secret", in two words.
		if i > 0 && (strings.EqualFold(args[i-1], "/p:") || strings.EqualFold(args[i-1], "-p:")) {
			shown[i] = "***"
		}
	}
	for i, a := range os.Args {
		if n, ok := passwordSwitch(a); ok {
			overwrite(a, n)
		} else if i > 0 && (strings.EqualFold(os.Args[i-1], "/p:") || strings.EqualFold(os.Args[i-1], "-p:")) {
			overwrite(a, 0)
		}
	}
	return taken, shown
}
