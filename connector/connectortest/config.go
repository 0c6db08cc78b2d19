// Package connectortest is the conformance suite of Waybill's connectors. A
// system that passes it may be used by the engine: every rule of package
// connector that can be seen from outside is tried here, with plain and with
// hostile input, with cancelled contexts and with crashes between any two calls.
//
// A connector's own test hands over functions that make and open a store:
//
//	func TestConformance(t *testing.T) {
//		connectortest.Run(t, connectortest.Config{
//			NewStore: func(t *testing.T) connectortest.Store {
//				loc := connector.Location{Scheme: "maildir", Path: t.TempDir()}
//				return connectortest.Store{
//					OpenTarget: func(ctx context.Context) (connector.Target, error) { return Target(ctx, loc) },
//					OpenSource: func(ctx context.Context) (connector.Source, error) { return Source(ctx, loc) },
//					Dir:        loc.Path,
//				}
//			},
//		})
//	}
//
// What a system cannot do by its nature is said in Capabilities, and the suite
// follows them. What remains is listed in Skip or Refuses with a reason; the
// reasons are printed, so that the list of deviations can be read in the log.
// The suite looks for leaked goroutines, so its caller does not use t.Parallel.
package connectortest

import (
	"context"
	"testing"

	"waybill/connector"
	"waybill/connector/connectortest/internal/check"
	"waybill/connector/connectortest/internal/reading"
	"waybill/mail"
)

// Store is one place where a system keeps mail, seen from both sides.
type Store struct {
	// OpenTarget opens the store for writing. It is called again after a
	// simulated crash, when the Target opened before was dropped without Close.
	OpenTarget func(ctx context.Context) (connector.Target, error)
	// OpenSource opens the same store for reading.
	OpenSource func(ctx context.Context) (connector.Source, error)
	// Dir is the directory that holds the store, if there is one. Reading must
	// leave every byte and time stamp in it as it was.
	Dir string
}

// Config is a system that is both source and target.
type Config struct {
	// NewStore makes an empty store. It is called for every case.
	NewStore func(t *testing.T) Store
	Options
}

// TargetConfig is a system that is written.
type TargetConfig struct {
	// NewTarget makes an empty store and returns a function that opens it; that
	// function is called again after a simulated crash.
	NewTarget func(t *testing.T) (open func(ctx context.Context) (connector.Target, error))
	Options
}

// SourceConfig is a system with mail in it that is read.
type SourceConfig struct {
	OpenSource func(ctx context.Context) (connector.Source, error)
	// Dir is the directory that holds the system, if there is one.
	Dir string
	// Change, when given, changes a folder behind the source's back: a message
	// more, or other flags. The state of its census must then differ.
	Change func(t *testing.T, user string, folder mail.Path)
	// Skip is as in Options.
	Skip map[string]string
}

// Options are what a system deviates in.
type Options struct {
	// Accounts are at least two accounts that every new store has already, for a
	// target that cannot create any.
	Accounts []string
	// Crashed does to a Target that was dropped without Close what the operating
	// system does when a process is killed: it releases locks and no more. Nil
	// when there is nothing to release.
	Crashed func(dropped connector.Target)
	// Skip leaves cases out: name of the case ("names/reserved") to the reason. A
	// name that no case has fails the test.
	Skip map[string]string
	// Refuses lists messages that the system does not take, by the name of the
	// case ("content/NUL") with the reason. Such a case passes when the message
	// is refused with a proper class or kept whole, and fails when it is mangled.
	Refuses map[string]string
}

// Run tries a system from both sides: all cases of RunTarget, then a store that
// was filled through its Target is read through its Source and compared, and
// put through all cases of RunSource.
func Run(t *testing.T, cfg Config) {
	t.Helper()
	check.FindLeaks(t)
	runBoth(t, cfg, check.NewSkips(t, cfg.Skip))
}

// RunTarget tries a system that is written.
func RunTarget(t *testing.T, cfg TargetConfig) {
	t.Helper()
	check.FindLeaks(t)
	runTarget(t, cfg, check.NewSkips(t, cfg.Skip))
}

// RunSource tries a system that is read. It wants at least one user with one
// message.
func RunSource(t *testing.T, cfg SourceConfig) {
	t.Helper()
	check.FindLeaks(t)
	reading.Run(t, reading.Config{OpenSource: cfg.OpenSource, Dir: cfg.Dir, Change: cfg.Change}, check.NewSkips(t, cfg.Skip))
}
