package wizard

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"waybill/failure"
	mf "waybill/format/migfile"
)

// Control is a control file of the Wizard's command line: what a migration is to
// do, a keyword and its value on each line.
type Control struct {
	File     string
	Mode     Mode
	Settings []Setting
	// Unneeded are settings that mean nothing in this mode (event 10008).
	Unneeded []Setting
}

// Setting is one line of a control file.
type Setting struct {
	Place   Place
	Keyword string // as Waybill spells it
	Value   string
}

const readControl = "read control file"

// maxSettings is above any sensible control file; a file of another kind ends here.
const maxSettings = 1000

// ReadControl reads a control file. The first line that is no comment must be
// the Mode; keywords are compared without letter case; a value may stand in
// quotation marks. Every fault is reported: unknown keywords (wizard.keyword),
// values of another form (wizard.value), a keyword twice (wizard.keyword-twice).
func ReadControl(file string, r io.Reader, page mf.CodePage) (*Control, error) {
	l := newLines(file, r, page)
	c := &Control{File: file}
	var faults []error
	for {
		line, err := l.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		line = strings.Trim(line, " \t\x1a")
		// The samples of KB Q198957 are known with this at the end of each line.
		if n := len(line) - len("<BR/>"); n >= 0 && strings.EqualFold(line[n:], "<BR/>") {
			line = strings.TrimSpace(line[:n])
		}
		if line == "" || strings.HasPrefix(line, "!") {
			continue
		}
		if len(c.Settings)+len(c.Unneeded)+len(faults) >= maxSettings {
			return nil, failure.New(failure.TooLarge, readControl, l.place().String(), "wizard.control-length", errors.New("this is no control file"))
		}
		if err := c.take(l.place(), line); err != nil {
			faults = append(faults, err)
			if c.Mode == "" {
				break // what follows cannot be judged
			}
		}
	}
	if c.Mode == "" && len(faults) == 0 {
		faults = append(faults, broken(readControl, Place{file, 1}, "wizard.mode", "begin with a line as Mode,FILE", "the file names no mode"))
	}
	return c, errors.Join(faults...)
}

// take reads one line.
func (c *Control) take(at Place, line string) error {
	name, value, ok := strings.Cut(line, ",")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	if n := len(value); n > 1 && value[0] == '"' && value[n-1] == '"' {
		value = strings.ReplaceAll(value[1:n-1], `""`, `"`)
	}
	if !ok {
		return broken(readControl, at, "wizard.control-line", "a line is Keyword,Value", "the line has no comma")
	}
	k, known := findKeyword(name)
	switch {
	case !known:
		return broken(readControl, at, "wizard.keyword", "take the line out, or begin it with ! to make it a comment", "the keyword %.40q is unknown", name)
	case c.Mode == "" && k.name != "Mode":
		return broken(readControl, at, "wizard.mode", "the first line is the mode, for instance Mode,FILE", "the keyword %s stands in front of Mode", k.name)
	case k.name == "Mode" && c.Mode != "", c.has(k.name):
		return broken(readControl, at, "wizard.keyword-twice", "keep one of the two lines", "the keyword %s stands twice", k.name)
	case k.name == "Mode":
		mode, known := parseMode(value)
		if !known {
			return broken(readControl, at, "wizard.mode", "modes are FILE, MSMAILPC, CCMAIL, COLLABRA, NOTES, GRPWISE, GRPWISE5, ADSI, IMAP and EXCHANGE", "the mode %.40q is unknown", value)
		}
		c.Mode = mode
		return nil
	}
	if err := k.check(at, value); err != nil {
		return err
	}
	s := Setting{Place: at, Keyword: k.name, Value: value}
	if k.modes != nil && !slices.Contains(k.modes, c.Mode) {
		c.Unneeded = append(c.Unneeded, s)
		return nil
	}
	c.Settings = append(c.Settings, s)
	return nil
}

// check looks at the form of a value.
func (k keyword) check(at Place, value string) error {
	bad := func(want string) error {
		return broken(readControl, at, "wizard.value", "write "+want, "%s is %.60q", k.name, value)
	}
	switch k.form {
	case truth:
		if _, ok := parseTruth(value); !ok {
			return bad("TRUE or FALSE")
		}
	case moment:
		if t, ok := mf.ParseStamp(value, time.UTC); !ok || t.IsZero() {
			return bad("a date as YYYYMMDDHHMMSS")
		}
	case word:
		if !slices.ContainsFunc(k.words, func(w string) bool { return strings.EqualFold(w, value) }) {
			return bad(strings.Join(k.words, ", ") + " (one of them)")
		}
	case number:
		if n, err := strconv.ParseUint(value, 10, 16); err != nil || n == 0 {
			return bad("a number up to 65535")
		}
	case text:
		if value == "" {
			return bad("a value behind the comma")
		}
	}
	return nil
}

func parseTruth(s string) (value, ok bool) {
	switch strings.ToUpper(s) {
	case "TRUE":
		return true, true
	case "FALSE":
		return false, true
	}
	return false, false
}

func (c *Control) has(name string) bool {
	named := func(s Setting) bool { return s.Keyword == name }
	return slices.ContainsFunc(c.Settings, named) || slices.ContainsFunc(c.Unneeded, named)
}

// Setting finds a keyword that is set and means something in this mode.
func (c *Control) Setting(name string) (Setting, bool) {
	for _, s := range c.Settings {
		if s.Keyword == name {
			return s, true
		}
	}
	return Setting{}, false
}

// Text is the value of a keyword, fallback when it is not set.
func (c *Control) Text(name, fallback string) string {
	if s, ok := c.Setting(name); ok {
		return s.Value
	}
	return fallback
}

// Truth is the value of a keyword that is TRUE or FALSE, fallback when it is not
// set.
func (c *Control) Truth(name string, fallback bool) bool {
	if s, ok := c.Setting(name); ok {
		value, _ := parseTruth(s.Value)
		return value
	}
	return fallback
}

// Moment is the value of a keyword that is a date, in the zone of the user; the
// zero time when it is not set.
func (c *Control) Moment(name string, zone *time.Location) time.Time {
	if s, ok := c.Setting(name); ok {
		t, _ := mf.ParseStamp(s.Value, zone)
		return t
	}
	return time.Time{}
}

// Function is what the file asks for: FULL, EXTRACT or IMPORT. The mode FILE is
// always an import.
func (c *Control) Function() string {
	if c.Mode == ModeFile {
		return "IMPORT"
	}
	return strings.ToUpper(c.Text("Function", "FULL"))
}

// Refuse makes the error for a setting that cannot be honoured.
func (s Setting) Refuse(reason, remedy string) error {
	return failure.New(failure.Unsupported, readControl, s.Place.String(), "wizard.keyword-refused",
		fmt.Errorf("%s,%s: %s", s.Keyword, s.Value, reason)).WithRemedy(remedy)
}
