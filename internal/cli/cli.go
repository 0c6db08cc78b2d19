// Package cli is the command line of Waybill: one file per command.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"waybill/directory"
	"waybill/engine"
	"waybill/failure"
)

// root is the grammar of the command line.
type root struct {
	JSON    bool             `help:"Print one JSON object per line instead of text."`
	Verbose bool             `short:"v" help:"Show each step."`
	Version kong.VersionFlag `help:"Print the version and leave."`

	serverFlags `group:"servers"`

	Migrate    migrateCmd    `cmd:"" group:"moving" help:"Move an organisation: plan, preflight, provision, copy, verify, report. Running it again goes on where it stopped."`
	Cutover    cutoverCmd    `cmd:"" group:"moving" help:"The last delta, the verification, and a last look at the source: did anything arrive since?"`
	Extract    extractCmd    `cmd:"" group:"moving" help:"The first of two steps: extract any source into files, with a list of users to edit."`
	Mailmig    mailmigCmd    `cmd:"" group:"moving" passthrough:"" help:"Do what a control file of the Exchange Migration Wizard's command line says."`
	Plan       planCmd       `cmd:"" group:"moving" help:"Show and write down what a migration would do, and change nothing."`
	Preflight  preflightCmd  `cmd:"" group:"moving" help:"Prove the rights on the target with canaries, and leave nothing behind."`
	Status     statusCmd     `cmd:"" group:"moving" help:"Show how far a migration is; works while it runs."`
	Verify     verifyCmd     `cmd:"" group:"moving" help:"Read every moved message back and compare it with the ledger."`
	Report     reportCmd     `cmd:"" group:"moving" help:"Write the waybill again from the ledger."`
	Directory  directoryCmd  `cmd:"" group:"moving" help:"Look into a directory (LDAP), prove rights there, and remove what a migration made."`
	Recipients recipientsCmd `cmd:"" group:"looking" help:"Write a system's accounts, contacts and lists as a table for Exchange's directory import."`
	Explain    explainCmd    `cmd:"" group:"looking" help:"Explain an event, by its id (W2002) or the Migration Wizard's (7044)."`
	Ls         lsCmd         `cmd:"" group:"looking" help:"List systems, users, folders or messages of any source."`
	Cat        catCmd        `cmd:"" group:"looking" help:"Write one message as it is stored."`
	Inspect    inspectCmd    `cmd:"" group:"looking" help:"Look into a file or an old mail system, and tell what it is and how healthy, without moving anything."`
	Site       siteCmd       `cmd:"" group:"site" help:"Make and administer an embedded mail site."`
	Serve      serveCmd      `cmd:"" group:"site" help:"Show a site to mail programs, over IMAP."`
	Completion completionCmd `cmd:"" group:"looking" help:"Print a completion script for a shell."`
}

// env is what commands work with.
type env struct {
	ctx     context.Context
	stdin   io.Reader
	stdout  io.Writer
	stderr  io.Writer
	json    bool
	verbose bool
	systems registry
	servers serverFlags
	users   *directory.UserMap // of the command under way, for servers that tell nobody their users
	model   *kong.Kong
	args    []string
}

// Exit codes; the same as in docs/exit-codes.md.
const (
	exitProven     = 0
	exitExceptions = 1
	exitIncomplete = 2
	exitRefused    = 3
	exitUsage      = 64
	exitCancelled  = 130
)

// codeError ends the program with a code and no further words: the command has
// said already what there was to say.
type codeError int

func (c codeError) Error() string { return fmt.Sprintf("exit %d", int(c)) }

// Main runs the program and returns its exit code.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return Run(ctx, args, stdin, stdout, stderr)
}

// Run is Main under a context.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	args, shown := takePasswords(args)
	var grammar root
	left := -1
	parser, err := kong.New(&grammar,
		kong.Name("waybill"),
		kong.Description(description),
		kong.Vars{"version": Version()},
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { left = code }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ExplicitGroups([]kong.Group{{Key: "moving", Title: "Moving an organisation"}, {Key: "looking", Title: "Looking and learning"}, {Key: "site", Title: "The embedded mail site"}, {Key: "servers", Title: "Servers"}}),
	)
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "waybill:", err)
		return exitIncomplete
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if left >= 0 { // help or version were printed
		return left
	}
	e := &env{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, json: grammar.JSON, verbose: grammar.Verbose, servers: grammar.serverFlags, model: parser, args: shown}
	e.systems = newRegistry(e)
	if err != nil {
		return e.end(failure.New(failure.Usage, "read the command line", "", "usage.arguments", err).WithRemedy("see waybill --help"))
	}
	return e.end(parsed.Run(e))
}

// end turns a command's error into words and an exit code.
func (e *env) end(err error) int {
	code := exitCode(err)
	var quiet codeError
	if err != nil && !errors.As(err, &quiet) {
		e.tellError(err)
	}
	if e.json {
		e.emitJSON(map[string]any{"type": "exit", "code": code})
	}
	return code
}

// tellError shows an error.
func (e *env) tellError(err error) {
	id := codeOf(err)
	if e.json {
		e.emitJSON(map[string]any{"type": "error", "id": id, "class": failure.ClassOf(err).String(), "rule": failure.RuleOf(err), "text": err.Error()})
		return
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		_, _ = fmt.Fprintln(e.stderr, "waybill:", printable(line))
	}
	if id != "" {
		_, _ = fmt.Fprintf(e.stderr, "waybill: more about this: waybill explain %s\n", id)
	}
}

func exitCode(err error) int {
	var quiet codeError
	switch {
	case err == nil:
		return exitProven
	case errors.As(err, &quiet):
		return int(quiet)
	case errors.Is(err, engine.ErrRefused):
		return exitRefused
	}
	switch failure.ClassOf(err) {
	case failure.Usage:
		return exitUsage
	case failure.Cancelled:
		return exitCancelled
	}
	return exitIncomplete
}

const description = `Waybill moves whole mail systems: everyone's accounts, mailboxes, folders, messages, address books
and lists. It proves its rights before it changes anything, delivers each message exactly once through crashes,
reads every message back, and hands over a waybill that accounts for all of them.

Begin with:  waybill ls maildir:/srv/mail                          see what is there
             waybill plan --from maildir:/srv/mail --to site:new.site   see what would happen
             waybill migrate --from maildir:/srv/mail --to site:new.site

Systems are named SYSTEM:PATH; "waybill ls" lists them. Exit codes: 0 every message proven, 1 finished with
exceptions that the waybill lists, 2 some mailbox is not complete, 3 preflight refused and nothing was changed,
64 wrong usage, 130 cancelled.`

// Version tells the program's version.
func Version() string {
	version := "dev"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" && info.Main.Version != "(devel)" {
		version = info.Main.Version
	}
	return "waybill " + version
}
