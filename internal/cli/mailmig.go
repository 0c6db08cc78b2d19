package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"waybill/engine"
	"waybill/failure"
	"waybill/format/wizard"
)

// mailmigCmd does what a control file of the Exchange Migration Wizard says.
type mailmigCmd struct {
	Args []string `arg:"" optional:"" passthrough:"" help:"/C:CONTROL [/A:ACCOUNT] [/P:PASSWORD] [/S] [/?]; more with waybill mailmig /?"`
}

// Return codes of the Wizard (KB Q198957); "errors" covers whatever else ends a
// run of Waybill.
const (
	mailmigClean    = 0
	mailmigWarnings = 1
	mailmigErrors   = 2
)

func (c *mailmigCmd) Run(e *env) error {
	a, err := readMailmigArgs(c.Args)
	if err != nil {
		return e.mailmigEnd(exitUsage, err)
	}
	if a.help {
		_, _ = io.WriteString(e.stdout, mailmigHelp)
		return nil
	}
	code, err := e.mailmig(a)
	return e.mailmigEnd(code, err)
}

// mailmigEnd makes the Wizard's return code of how a run ended.
func (e *env) mailmigEnd(code int, err error) error {
	if err != nil {
		e.tellError(err)
		code = max(exitCode(err), mailmigErrors)
	}
	switch code {
	case exitProven:
		return nil
	case exitExceptions:
		return codeError(mailmigWarnings)
	}
	return codeError(mailmigErrors)
}

// mailmig runs a control file.
func (e *env) mailmig(a mailmigArgs) (code int, err error) {
	f, err := os.Open(a.control)
	if err != nil {
		return 0, failure.New(failure.Usage, "read control file", a.control, "wizard.control", err).WithRemedy("name it with /C:")
	}
	control, err := wizard.ReadControl(a.control, f, wizard.Standard().Page)
	_ = f.Close()
	if err != nil {
		return 0, err
	}
	job, err := e.mailmigJob(a, control)
	if err != nil {
		return 0, err
	}
	for _, w := range job.warnings {
		e.warn(w)
	}
	runner := *e
	if a.silent {
		runner.stdout, runner.stderr, runner.json = io.Discard, io.Discard, false
	}
	if job.listOnly {
		return runner.mailmigList(job)
	}
	if code, err = runner.mailmigMove(job); code == exitProven && err == nil && len(job.warnings) > 0 {
		code = exitExceptions
	}
	return code, err
}

// warn tells something that stops nobody.
func (e *env) warn(text string) {
	if e.json {
		e.emitJSON(map[string]any{"type": "warning", "text": text})
		return
	}
	_, _ = io.WriteString(e.stderr, "waybill: warning: "+printable(text)+"\n")
}

// mailmigMove migrates, or extracts into files.
func (e *env) mailmigMove(job *mailmigJob) (int, error) {
	e.say("From %s\nTo   %s", job.from, job.to)
	if err := os.MkdirAll(filepath.Dir(job.ledger), 0o750); err != nil {
		return 0, failure.New(failure.ClassOf(err), "make folder", filepath.Dir(job.ledger), "mailmig.folder", err)
	}
	cmd := &migrateCmd{pairFlags: pairFlags{From: job.from, To: job.to, Users: job.users, Match: job.match}, rightsFlags: rightsFlags{Preflight: "sample"},
		Ledger: job.ledger, Report: job.report, Workers: 4, MirrorShare: 50}
	cmd.ProvisionTimeout = time.Minute
	options := cmd.rightsFlags.with(engine.Options{Workers: cmd.Workers, Dates: job.dates})
	m, done, err := e.openMigration(cmd.pairFlags, cmd.Ledger, options)
	if err != nil {
		return 0, err
	}
	defer done()
	r := &migration{env: e, m: m, cmd: cmd, adjust: func(plan *engine.Plan) error { return job.adjust(e, plan) }}
	code, err := r.run()
	if err != nil || !job.extracting || r.plan == nil {
		return code, err
	}
	return code, (&extractCmd{To: job.to, List: job.list}).writeList(r)
}

// mailmigList is the first step of two for Microsoft Mail: a list of its users,
// to be edited, and nothing else.
func (e *env) mailmigList(job *mailmigJob) (int, error) {
	source, err := e.openSource(job.from)
	if err != nil {
		return 0, err
	}
	defer source.Close()
	plan := &engine.Plan{}
	faults := 0
	for u, err := range source.Users(e.ctx) {
		if err != nil {
			if u.ID == "" {
				return 0, err
			}
			faults++
			e.tellError(err)
			continue
		}
		plan.Users = append(plan.Users, planUserOf(u))
	}
	if len(plan.Users) == 0 {
		return 0, failure.New(failure.Usage, "list users", job.from, "plan.no-users", errors.New("the source has no user"))
	}
	if err := job.adjust(e, plan); err != nil {
		return 0, err
	}
	at, err := writeUserList(job.list, "", userListOf(plan))
	if err != nil {
		return 0, err
	}
	e.say("The list of users is in %s. Edit it, set Function,IMPORT and File to it, and run again.", at)
	if faults > 0 {
		return exitExceptions, nil
	}
	return exitProven, nil
}

// hostPath finds a file that a control file names, perhaps as Windows writes
// paths: where the program runs, or beside the control file.
func hostPath(value, control string) string {
	names := []string{value}
	if strings.Contains(value, `\`) && filepath.Separator == '/' {
		names = append(names, strings.ReplaceAll(value, `\`, "/"))
	}
	for _, name := range names {
		for _, path := range []string{name, filepath.Join(filepath.Dir(control), name)} {
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	return names[len(names)-1]
}
