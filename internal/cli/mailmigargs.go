package cli

import (
	"errors"
	"fmt"
	"strings"

	"waybill/failure"
)

// mailmigArgs are the arguments of the Migration Wizard's command line, and a few
// of Waybill's own.
type mailmigArgs struct {
	control, account, password string
	silent, help               bool
	to, ledger, report         string
}

const mailmigHelp = `waybill mailmig /C:CONTROL [/A:ACCOUNT] [/P:PASSWORD] [/S] [/?]
                [--to SYSTEM] [--ledger FILE] [--report DIR]

Does what a control file of the Exchange Migration Wizard's command line says.
"-" serves for "/", letters may be large or small, and values may be quoted.

  /C:CONTROL    the control file: Keyword,Value on each line, Mode first
  /A:ACCOUNT    the account to log on to the source with
  /P:PASSWORD   its password; better: WAYBILL_SOURCE_PASSWORD in the environment
  /S            say nothing but errors; what happened is in the waybill
  /?            this text
  --to          the system to fill (the keyword Home-Server, or a mail site beside
                the control file)
  --ledger      the memory of the migration (beside the control file)
  --report      where the waybill is written (beside the control file)

Returns 0 when all is well, 1 with warnings, 2 with errors. Each keyword is
honoured, or refused with its reason before anything is done.
`

// readMailmigArgs reads the arguments behind "waybill mailmig".
func readMailmigArgs(args []string) (a mailmigArgs, err error) {
	usage := func(arg, what, remedy string) error {
		if _, secret := passwordSwitch(arg); secret {
			arg = arg[:3] + "***"
		}
		return failure.New(failure.Usage, "read the command line", arg, "usage.mailmig", errors.New(what)).WithRemedy(remedy)
	}
	own := map[string]*string{"--to": &a.to, "--ledger": &a.ledger, "--report": &a.report}
	switches := map[string]*string{"C": &a.control, "A": &a.account, "P": &a.password}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		name, value, joined := strings.Cut(arg, "=")
		if target := own[name]; target != nil {
			if !joined {
				if i++; i >= len(args) {
					return a, usage(arg, "a value is missing", "see waybill mailmig /?")
				}
				value = args[i]
			}
			*target = unquote(value)
			continue
		}
		if arg == "--help" {
			a.help = true
			continue
		}
		if len(arg) < 2 || arg[0] != '/' && arg[0] != '-' {
			return a, usage(arg, "this is no switch", "name the control file with /C:")
		}
		letter, value, _ := strings.Cut(arg[1:], ":")
		switch letter = strings.ToUpper(letter); letter {
		case "C", "A", "P":
			if value == "" {
				if i++; i >= len(args) {
					return a, usage(arg, "a value is missing", "write it behind the colon: /C:control.txt")
				}
				value = args[i]
			}
			*switches[letter] = unquote(value)
		case "S":
			a.silent = true
		case "?", "H", "HELP":
			a.help = true
		case "G":
			return a, usage(arg, "embedded objects cannot be left behind by themselves", "leave the switch out")
		case "D":
			return a, usage(arg, "target addresses are no matter of the migration", "set up forwarding in the target, and leave the switch out")
		case "F":
			return a, usage(arg, "there is one form of log", "read events.jsonl in the waybill's folder, and leave the switch out")
		case "M":
			return a, usage(arg, "there is no clone mode", "folders, flags and dates are always carried as far as the target holds them; leave the switch out")
		default:
			return a, usage(arg, fmt.Sprintf("the switch /%.20s is unknown", letter), "see waybill mailmig /?")
		}
	}
	if a.control == "" && !a.help {
		return a, usage("", "no control file is named", "name it with /C:control.txt")
	}
	return a, nil
}

// unquote takes a value out of quotation marks that the shell left standing.
func unquote(s string) string {
	if n := len(s); n > 1 && (s[0] == '"' || s[0] == '\'') && s[n-1] == s[0] {
		return s[1 : n-1]
	}
	return s
}
