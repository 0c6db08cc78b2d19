package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"waybill/connector"
	"waybill/directory"
	"waybill/engine"
	"waybill/failure"
	"waybill/format/wizard"
)

// mailmigJob is a control file in Waybill's own terms.
type mailmigJob struct {
	control      *wizard.Control
	from, to     string
	users, match string // as --users and --match
	dates        engine.DateRange
	accounts     []wizard.Name
	attributes   map[string]string // of new accounts
	ledger       string
	report, list string
	extracting   bool // into files
	listOnly     bool // only the list of users
	warnings     []string
}

// mailmigJob makes a job of a control file, or tells all that cannot be done.
func (e *env) mailmigJob(a mailmigArgs, c *wizard.Control) (*mailmigJob, error) {
	base := strings.TrimSuffix(a.control, filepath.Ext(a.control))
	j := &mailmigJob{control: c, ledger: a.ledger, report: a.report, attributes: map[string]string{}}
	if j.ledger == "" {
		j.ledger = base + ".ledger"
	}
	if j.report == "" {
		j.report = base + "-waybill"
	}
	for _, s := range c.Unneeded {
		j.warnings = append(j.warnings, fmt.Sprintf("%s: the keyword %s means nothing in the mode %s (event 10008)", s.Place, s.Keyword, c.Mode))
	}
	j.dates = engine.DateRange{Since: c.Moment("EmailStart", time.Local), Before: c.Moment("EmailEnd", time.Local)}
	if !j.dates.Before.IsZero() {
		j.dates.Before = j.dates.Before.Add(time.Second) // the Wizard's end is part of the range
	}
	if !c.Truth("Mailbox", true) {
		j.match = string(directory.MatchName)
	}
	faults := []error{j.refuse()}
	faults = append(faults, e.mailmigSource(a, j), e.mailmigTarget(a, j, base), j.readAccounts())
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	e.mailmigPassword(a, j)
	return j, nil
}

// mailmigSource says what to read.
func (e *env) mailmigSource(a mailmigArgs, j *mailmigJob) error {
	c := j.control
	function := c.Function()
	missing := func(keyword, remedy string) error {
		return failure.New(failure.Usage, "read control file", c.File, "wizard.keyword-missing", fmt.Errorf("the keyword %s is missing", keyword)).WithRemedy(remedy)
	}
	file := c.Text("File", "")
	if file == "" && (c.Mode == wizard.ModeFile || function != "FULL") {
		return missing("File", "name the packing list, the user list or the working folder")
	}
	path := hostPath(file, a.control)
	if c.Mode == wizard.ModeFile || function == "IMPORT" && c.Mode != wizard.ModeMSMail {
		if c.Mode == wizard.ModeExchange {
			return refuseMode(c)
		}
		j.from = "migfile:" + path
		return nil
	}
	switch c.Mode {
	case wizard.ModeMSMail:
		office := c.Text("Postoffice", "")
		if office == "" {
			return missing("Postoffice", "name the folder of the postoffice")
		}
		j.from = "msmail:" + hostPath(office, a.control)
		if _, known := e.systems["msmail"]; !known {
			return refuseMode(c)
		}
		switch function {
		case "EXTRACT":
			j.listOnly, j.list = true, path
		case "IMPORT":
			j.users = path
		}
		return nil
	case wizard.ModeIMAP:
		return j.imapSource(a)
	}
	return refuseMode(c)
}

// refuseMode tells why a system is not read, and which way is left.
func refuseMode(c *wizard.Control) error {
	reason, remedy := "this program does not read it", "extract with the Wizard's own extractor (Function,EXTRACT), and go on with Mode,FILE and the packing list"
	switch c.Mode {
	case wizard.ModeLDAP:
		reason, remedy = "a directory holds no mail", "take its mailboxes with Mode,IMAP, and see waybill --help for what is known of directories"
	case wizard.ModeExchange:
		reason, remedy = "mailboxes of Exchange are read over IMAP or out of PST files", "run waybill migrate --from imaps://SERVER, or from what was exported"
	}
	return failure.New(failure.Unsupported, "read control file", c.File, "wizard.mode-refused", fmt.Errorf("Mode,%s: %s", c.Mode, reason)).WithRemedy(remedy)
}

// imapSource says which server to read. The users are those of the list that the
// keyword Accounts names; it must name one server.
func (j *mailmigJob) imapSource(a mailmigArgs) error {
	c := j.control
	name := c.Text("Accounts", "")
	if name == "" {
		return failure.New(failure.Usage, "read control file", c.File, "wizard.keyword-missing", errors.New("the keyword Accounts is missing")).
			WithRemedy("name the list with the columns IMAP_Mailbox,IMAP_Password,SMTP_Address,IMAP_Server,EX_Mailbox,IMAP_Port,IMAP_SSL")
	}
	j.users = hostPath(name, a.control)
	f, err := os.Open(j.users)
	if err != nil {
		return failure.New(failure.Usage, "read IMAP user list", j.users, "map.open", err)
	}
	defer f.Close()
	list, err := wizard.ReadIMAPList(j.users, f, wizard.Standard())
	if err != nil {
		return err
	}
	for i, entry := range list {
		scheme := "imap"
		if entry.SSL || c.Truth("Secure", false) || c.Truth("Encrypted", false) {
			scheme = "imaps"
		}
		host := entry.Server
		if strings.Contains(host, ":") {
			host = "[" + host + "]" // RFC 3986 3.2.2
		}
		from := scheme + "://" + host
		switch {
		case entry.Port > 0:
			from += fmt.Sprintf(":%d", entry.Port)
		case c.Text("Port", "") != "":
			from += ":" + c.Text("Port", "")
		}
		if i > 0 && from != j.from {
			return failure.New(failure.Unsupported, "read IMAP user list", entry.Place.String(), "wizard.servers", fmt.Errorf("the list names %s and %s", j.from, from)).
				WithRemedy("make a list and a control file for each server")
		}
		j.from = from
	}
	if len(list) == 0 {
		return failure.New(failure.Usage, "read IMAP user list", j.users, "map.empty", errors.New("the list names no user"))
	}
	if strings.HasPrefix(j.from, "imap:") {
		j.warnings = append(j.warnings, "IMAP_SSL is not Y: the connection is encrypted with STARTTLS all the same, and fails where the server has none")
	}
	return nil
}

// mailmigTarget says where to write.
func (e *env) mailmigTarget(a mailmigArgs, j *mailmigJob, base string) error {
	c := j.control
	if j.listOnly || j.from == "" {
		return nil
	}
	if c.Function() == "EXTRACT" {
		dir := hostPath(c.Text("File", ""), a.control)
		mode := strings.ToLower(string(c.Mode))
		j.extracting = true
		j.to = a.to
		if j.to == "" {
			j.to = "migfile:" + filepath.Join(dir, mode+".001", mode+".pkl")
		}
		j.list = filepath.Join(dir, mode+".001", mode+"-users.csv")
		return nil
	}
	if server := c.Text("Home-Server", ""); server != "" {
		if loc, err := connector.ParseLocation(server); err == nil && a.to == "" {
			if _, known := e.systems[loc.Scheme]; known {
				j.to = server
				return nil
			}
		}
		if !strings.EqualFold(server, wizard.ServerChosen) {
			j.attributes[wizard.ColumnServer] = server
		}
	}
	switch {
	case a.to != "":
		j.to = a.to
	case strings.EqualFold(c.Text("ImportDestination", "SERVER"), "PST"):
		return j.pstTarget(e, a)
	default:
		j.to = "site:" + base + ".site"
	}
	return nil
}

// pstTarget writes personal folders, where this program can.
func (j *mailmigJob) pstTarget(e *env, a mailmigArgs) error {
	dir := j.control.Text("PSTPath", "")
	if dir == "" {
		return failure.New(failure.Usage, "read control file", j.control.File, "wizard.keyword-missing", errors.New("the keyword PSTPath is missing")).
			WithRemedy("name the folder for the PST files")
	}
	if s, known := e.systems["pst"]; !known || s.target == nil {
		s, _ := j.control.Setting("ImportDestination")
		return s.Refuse("this program does not write PST files", "name other files with --to, for instance --to mbox:archive")
	}
	j.to = "pst:" + hostPath(dir, a.control)
	return nil
}

// readAccounts reads the list of names; that of IMAP is a user map.
func (j *mailmigJob) readAccounts() error {
	name := j.control.Text("Accounts", "")
	if name == "" || j.control.Mode == wizard.ModeIMAP {
		return nil
	}
	path := hostPath(name, j.control.File)
	f, err := os.Open(path)
	if err != nil {
		return failure.New(failure.Usage, "read list of accounts", path, "wizard.accounts", err)
	}
	defer f.Close()
	j.accounts, err = wizard.ReadNames(path, f, wizard.Standard().Page)
	return err
}

// mailmigPassword hands the account and the password of the command line on.
func (e *env) mailmigPassword(a mailmigArgs, j *mailmigJob) {
	server := strings.HasPrefix(j.from, "imap")
	if a.account != "" && !server {
		j.warnings = append(j.warnings, "/A: the source is read from files, and needs no account")
	}
	if a.account != "" && server && !strings.Contains(j.from, "@") {
		scheme, host, _ := strings.Cut(j.from, "://")
		j.from = scheme + "://" + escapeUser(a.account) + "@" + host
	}
	if a.password == "" {
		return
	}
	j.warnings = append(j.warnings, "/P: a password on the command line can be read by others on this machine; put it into the environment variable WAYBILL_SOURCE_PASSWORD")
	if server && e.servers.SourcePassword == "" {
		const name = "WAYBILL_MAILMIG_PASSWORD"
		if os.Setenv(name, a.password) == nil {
			e.servers.SourcePassword = "env:" + name
		}
	}
}

// planUserOf is a user as a plan would have it.
func planUserOf(u directory.User) engine.PlanUser {
	line := engine.PlanUser{User: u.ID, Kind: string(u.Kind), Name: u.Name, First: u.First, Last: u.Last, Account: u.ID, Action: directory.Create, Attribute: u.Attributes}
	for _, a := range u.Addresses {
		line.Addresses = append(line.Addresses, a.String())
	}
	return line
}
