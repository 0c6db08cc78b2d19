package cli

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"waybill/connector"
	"waybill/failure"
)

// extractCmd is the first of two steps: everything into files, and a list of
// users to be edited before the second.
type extractCmd struct {
	From             string `placeholder:"SYSTEM" help:"The system to extract from, for instance mbox:/srv/mail or imaps://admin@old.example."`
	To               string `placeholder:"SYSTEM" help:"The files to write, for instance migfile:out/office.pkl or maildir:out."`
	Users            string `placeholder:"CSV" help:"Extract only these users: a user map, or the Migration Wizard's user list."`
	RewriteAddresses bool   `help:"Replace addresses of Exchange, Microsoft Mail and X.400 in the headers of messages by Internet addresses, where somebody knows one (docs/addresses.md)."`
	List             string `placeholder:"FILE" help:"Where the user list for the second step is written; - for none (beside the files)."`
	dateFlags
	Ledger          string `placeholder:"FILE" help:"The memory of the extraction (beside the files)."`
	Report          string `placeholder:"DIR" help:"Where the waybill is written (beside the files)."`
	Workers         int    `default:"4" placeholder:"N" help:"Mailboxes at the same time (${default})."`
	RetryExceptions bool   `help:"Try messages again that were set aside."`
	All             bool   `help:"Write every message into messages.jsonl, not only the exceptions."`
}

func (c *extractCmd) Help() string {
	return "Any source and any target will do; running it again goes on where it stopped. The second step is \"waybill migrate\" " +
		"from what was written, with the list as its --users."
}

func (c *extractCmd) Run(e *env) error {
	if c.From == "" || c.To == "" {
		return failure.New(failure.Usage, "read the command line", "", "usage.arguments", errors.New("both --from and --to are needed")).
			WithRemedy("for instance: waybill extract --from mbox:/srv/mail --to migfile:out/office.pkl")
	}
	if err := c.fill(); err != nil {
		return err
	}
	cmd := &migrateCmd{pairFlags: pairFlags{From: c.From, To: c.To, Users: c.Users, RewriteAddresses: c.RewriteAddresses}, rightsFlags: rightsFlags{Preflight: "sample"}, dateFlags: c.dateFlags,
		Ledger: c.Ledger, Report: c.Report, Workers: c.Workers, RetryExceptions: c.RetryExceptions, All: c.All}
	folder := filepath.Dir(c.Ledger)
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return failure.New(failure.ClassOf(err), "make folder", folder, "extract.folder", err)
	}
	m, done, err := cmd.open(e)
	if err != nil {
		_ = os.Remove(folder) // unless there is something in it
		return err
	}
	defer done()
	r := &migration{env: e, m: m, cmd: cmd}
	code, err := r.run()
	if err != nil {
		return err
	}
	if c.List != "-" && r.plan != nil && code <= exitIncomplete {
		if err := c.writeList(r); err != nil {
			return err
		}
	}
	if code != exitProven {
		return codeError(code)
	}
	return nil
}

// writeList writes the user list and says what comes next.
func (c *extractCmd) writeList(r *migration) error {
	to, err := parseSystem(c.To)
	if err != nil {
		return err
	}
	list := userListOf(r.plan)
	at, err := writeUserList(c.List, to.Options.Get("codepage"), list)
	if err != nil {
		return err
	}
	if r.json {
		r.emitJSON(map[string]any{"type": "user-list", "file": at, "users": len(list.Entries)})
	}
	r.say("The list of users (%d) is in %s. Edit it if you like, and then go on with:\n  waybill migrate --from %s --users %s --to ...", len(list.Entries), at, c.To, at)
	if at != c.List {
		r.say("%s was written or changed by somebody before and stays as it is.", c.List)
	}
	return nil
}

// fill puts what is not named beside the files.
func (c *extractCmd) fill() error {
	loc, err := connector.ParseLocation(c.To)
	if err != nil {
		return err
	}
	base := "waybill-extract"
	if loc.URL == nil {
		base = filepath.Clean(loc.Path)
		if ending := filepath.Ext(base); slices.Contains([]string{".pkl", ".site"}, strings.ToLower(ending)) {
			base = strings.TrimSuffix(base, ending)
		}
	}
	for _, f := range []struct {
		value  *string
		ending string
	}{{&c.Ledger, ".ledger"}, {&c.Report, "-waybill"}, {&c.List, "-users.csv"}} {
		if *f.value == "" {
			*f.value = base + f.ending
		}
	}
	return nil
}
