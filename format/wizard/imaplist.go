package wizard

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"waybill/failure"
)

// IMAPEntry is one line of the user list for IMAP servers (KB Q259525).
type IMAPEntry struct {
	Place Place
	// Mailbox is the name to log on with, Password the password in clear, as the
	// Wizard wanted it.
	Mailbox, Password string
	// Address is the SMTP address, Server the machine, Target the mailbox to be
	// filled; empty for the one of the same name.
	Address, Server, Target string
	// Port is 0 when the line names none.
	Port int
	SSL  bool
}

// String leaves the password out.
func (e IMAPEntry) String() string { return e.Mailbox + " at " + e.Server }

// GoString leaves the password out.
func (e IMAPEntry) GoString() string { return e.String() }

// IsIMAPList tells whether a line is the header of a user list for IMAP servers.
func IsIMAPList(line string) bool {
	fields, _, ok := splitFields(strings.TrimPrefix(line, "\ufeff"), ',', '"')
	return ok && len(fields) > 1 && matches(fields[0], []string{"IMAP_Mailbox"})
}

// ReadIMAPList reads a user list for IMAP servers. All faults are reported at
// once; no error repeats a password.
func ReadIMAPList(file string, r io.Reader, d Dialect) ([]IMAPEntry, error) {
	t, err := newTable("read IMAP user list", file, r, d, maxPreamble, "IMAP_Mailbox")
	if err != nil {
		return nil, err
	}
	if !t.Has("IMAP_Server") {
		return nil, broken(t.op, t.header, "wizard.column-missing", "columns are IMAP_Mailbox,IMAP_Password,SMTP_Address,IMAP_Server,EX_Mailbox,IMAP_Port,IMAP_SSL", "there is no column IMAP_Server")
	}
	var list []IMAPEntry
	var faults []error
	for {
		row, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		var e IMAPEntry
		if err == nil {
			e, err = t.imapEntry(row)
		}
		if err != nil {
			if failure.ClassOf(err) != failure.Malformed && failure.ClassOf(err) != failure.TooLarge {
				return list, err
			}
			if faults = append(faults, err); len(faults) >= maxFaults {
				break
			}
			continue
		}
		list = append(list, e)
	}
	return list, errors.Join(faults...)
}

func (t *Table) imapEntry(row Row) (IMAPEntry, error) {
	e := IMAPEntry{Place: row.Place, Mailbox: row.Get("IMAP_Mailbox"), Password: row.raw("IMAP_Password"), Address: row.Get("SMTP_Address"),
		Server: row.Get("IMAP_Server"), Target: row.Get("EX_Mailbox")}
	switch {
	case e.Mailbox == "":
		return e, broken(t.op, row.Place, "wizard.user-name", "fill the column IMAP_Mailbox", "the line names no mailbox")
	case e.Server == "" || strings.ContainsAny(e.Server, "/?#@ "):
		return e, broken(t.op, row.Place, "wizard.server", "write the name or address of the server into the column IMAP_Server", "%.60q is no server", e.Server)
	}
	if port := row.Get("IMAP_Port"); port != "" {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return e, broken(t.op, row.Place, "wizard.port", "the port is a number up to 65535, or empty", "the port is %.20q", port)
		}
		e.Port = int(n)
	}
	switch word := strings.ToUpper(row.Get("IMAP_SSL")); word {
	case "Y", "YES", "TRUE", "1":
		e.SSL = true
	case "", "N", "NO", "FALSE", "0":
	default:
		return e, broken(t.op, row.Place, "wizard.ssl", "write Y or N into the column IMAP_SSL", "IMAP_SSL is %.20q", word)
	}
	return e, nil
}
