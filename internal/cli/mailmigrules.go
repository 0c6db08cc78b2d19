package cli

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strings"

	"waybill/directory"
	"waybill/engine"
	"waybill/failure"
	"waybill/format/wizard"
	"waybill/mail"
)

// refuse collects the keywords that cannot be honoured, each with its reason.
// Those of other modes were set aside when the file was read.
func (j *mailmigJob) refuse() error {
	var faults []error
	c := j.control
	refuse := func(s wizard.Setting, reason, remedy string) { faults = append(faults, s.Refuse(reason, remedy)) }
	warn := func(s wizard.Setting, text string) {
		j.warnings = append(j.warnings, fmt.Sprintf("%s: %s,%s: %s", s.Place, s.Keyword, s.Value, text))
	}
	for _, s := range c.Settings {
		is := func(value string) bool { return strings.EqualFold(s.Value, value) }
		switch s.Keyword {
		case "NTAccounts":
			if !is("NO") {
				refuse(s, "accounts of Windows NT are not made", "make accounts with a command of your own: see docs/provisioning.md")
			}
		case "NTDomain":
			warn(s, "no accounts of Windows NT are made")
		case "Template":
			refuse(s, "a template belongs to the directory of the target", "set the template where the target makes its accounts, and take the line out")
		case "Container":
			j.attributes[wizard.ColumnContainer] = s.Value
		case "DefFldPerms":
			if !is("None") {
				refuse(s, "permissions of public folders are granted in the target", "migrate with None, and grant them there")
			}
		case "FldOwner":
			warn(s, "public folders belong to whoever the target says")
		case "ForcePwdChange":
			if is("TRUE") {
				refuse(s, "the target decides when a password must be changed", "make accounts with a command of your own: see docs/provisioning.md")
			}
		case "SchdStart", "SchdEnd":
			refuse(s, "calendars are moved whole", "take the line out, or set Schedule to FALSE")
		case "Phone", "Appointments", "Notes", "Tasks":
			if is("FALSE") {
				refuse(s, "what a migration file holds is moved whole", "take the lines out of the primary files, or leave the folders out in a plan")
			}
		case "SubjectFile":
			refuse(s, "messages are not left out by their subjects", "delete them in the source or in the target")
		case "GWDomain", "POName", "GWUserGRPName", "GWRTF", "DocLinkConversion", "Notesini", "Exch55", "RestrictSearchtoSid":
			warn(s, "concerns the Wizard's own extractors only")
		case "PSTPath":
			if !strings.EqualFold(c.Text("ImportDestination", "SERVER"), "PST") {
				warn(s, "means nothing without ImportDestination,PST")
			}
		}
	}
	return errors.Join(faults...)
}

// adjust puts into the plan what the keywords say about users and folders.
func (j *mailmigJob) adjust(e *env, plan *engine.Plan) error {
	if err := j.selectAccounts(plan); err != nil {
		return err
	}
	c := j.control
	left := map[string]int{}
	for i := range plan.Users {
		u := &plan.Users[i]
		if !u.Moves() {
			continue
		}
		public := u.Kind == string(directory.Public)
		if public && !c.Truth("Public", true) {
			u.Action, u.Reason = directory.Skip, "Public,FALSE"
			continue
		}
		if u.Action == directory.Create && !c.Truth("Mailbox", true) && !j.extracting && !j.listOnly {
			u.Action, u.Reason, u.Error = directory.Collide, "Mailbox,FALSE: there is no such account, and none may be made (events 8074, 8124)", "mailmig.no-account"
			continue
		}
		if u.Action == directory.Create && len(j.attributes) > 0 {
			if u.Attribute = maps.Clone(u.Attribute); u.Attribute == nil {
				u.Attribute = map[string]string{}
			}
			maps.Copy(u.Attribute, j.attributes)
		}
		for n := range u.Folders {
			f := &u.Folders[n]
			kind := folderKind(f.Path)
			if !c.Truth(kind, true) && (kind != "Email" || !public) {
				f.Skip = true
				left[kind]++
			}
		}
	}
	for _, kind := range []string{"PAB", "Schedule"} {
		if !c.Truth(kind, true) && left[kind] == 0 && !j.listOnly {
			e.warn(fmt.Sprintf("%s,FALSE: the source shows no folder of that kind, so nothing is left out", kind))
		}
	}
	plan.Sum()
	if plan.Totals.Users == 0 {
		return failure.New(failure.Usage, "read control file", c.File, "plan.no-users", errors.New("no user is left to be moved")).
			WithRemedy("look at the keywords Accounts, Mailbox and Public, and at the plan: waybill plan")
	}
	return nil
}

// folderKind is the keyword that a folder falls under.
func folderKind(p mail.Path) string {
	names := p.Names()
	if len(names) > 0 {
		switch strings.ToLower(names[0]) {
		case "contacts", "personal address book":
			return "PAB"
		case "calendar", "schedule", "tasks":
			return "Schedule"
		}
	}
	return "Email"
}

// selectAccounts leaves everybody out whom the list of accounts does not name.
// Names are compared with the user's ID, the display name and the addresses,
// without letter case; one that finds nobody, or two, is an error.
func (j *mailmigJob) selectAccounts(plan *engine.Plan) error {
	if j.accounts == nil {
		return nil
	}
	byName := map[string][]int{}
	add := func(name string, i int) {
		key := strings.ToLower(strings.TrimSpace(name))
		if have := byName[key]; key != "" && (len(have) == 0 || have[len(have)-1] != i) {
			byName[key] = append(have, i)
		}
	}
	for i, u := range plan.Users {
		add(u.User, i)
		add(u.Name, i)
		for _, a := range u.Addresses {
			add(a, i)
			if _, value, ok := strings.Cut(a, ":"); ok {
				add(value, i)
			}
		}
	}
	chosen := map[int]bool{}
	var faults []error
	for _, n := range j.accounts {
		found := byName[strings.ToLower(n.Text)]
		place := fmt.Sprintf("%s line %d", j.control.Text("Accounts", ""), n.Line)
		switch {
		case len(found) == 0:
			faults = append(faults, failure.New(failure.Usage, "read list of accounts", place, "wizard.account-unknown", fmt.Errorf("the source has no account %q (event 7034)", n.Text)).
				WithRemedy("correct the name, or take it out"))
		case len(found) > 1:
			faults = append(faults, failure.New(failure.Usage, "read list of accounts", place, "wizard.account-ambiguous", fmt.Errorf("the source has %d accounts %q", len(found), n.Text)).
				WithRemedy("write the account's own name or address"))
		default:
			chosen[found[0]] = true
		}
		if len(faults) >= 100 {
			break
		}
	}
	for i := range plan.Users {
		if u := &plan.Users[i]; !chosen[i] {
			u.Action, u.Reason, u.Error = directory.Skip, "not in the list of accounts", ""
		}
	}
	return errors.Join(faults...)
}

// escapeUser writes a name as it stands in a URL.
func escapeUser(name string) string { return url.User(name).String() }
