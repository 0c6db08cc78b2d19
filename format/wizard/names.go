package wizard

import (
	"errors"
	"io"
	"strings"

	"waybill/failure"
	mf "waybill/format/migfile"
)

// Name is one line of a list of accounts.
type Name struct {
	Text string
	Line int
}

// maxNames bounds a list of names.
const maxNames = 10_000_000

// ReadNames reads the file that the keyword Accounts names: one account on each
// line, in the form in which the Wizard shows it (KB Q198957). Empty lines and
// comments are passed over, and a name that stands in quotation marks is taken
// out of them.
func ReadNames(file string, r io.Reader, page mf.CodePage) ([]Name, error) {
	l := newLines(file, r, page)
	var names []Name
	for {
		text, err := l.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		text = strings.Trim(text, " \t\x1a")
		if n := len(text); n > 1 && text[0] == '"' && text[n-1] == '"' {
			text = strings.ReplaceAll(text[1:n-1], `""`, `"`)
		}
		if text == "" || strings.HasPrefix(text, "!") {
			continue
		}
		if len(names) >= maxNames {
			return nil, failure.New(failure.TooLarge, "read list of accounts", l.place().String(), "wizard.names", nil).WithRemedy("split the list")
		}
		names = append(names, Name{text, l.number})
	}
	if len(names) == 0 {
		return nil, broken("read list of accounts", Place{file, max(l.number, 1)}, "wizard.names-empty", "leave the keyword Accounts out to move everybody", "the list names nobody")
	}
	return names, nil
}
