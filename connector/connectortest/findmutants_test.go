package connectortest_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/connector"
	"waybill/connector/connectortest"
	"waybill/connector/fake"
)

// chosen is the environment variable that names the mutant for TestMutant.
const chosen = "CONNECTORTEST_MUTANT"

func mutants() []mutant {
	return slices.Concat(targetMutants(), appendMutants(), mailboxMutants(), sourceMutants())
}

// TestMutant runs the suite on one faulty connector. It is run by
// TestSuiteFindsMutants in a process of its own, and has to fail there.
func TestMutant(t *testing.T) {
	name := os.Getenv(chosen)
	i := slices.IndexFunc(mutants(), func(m mutant) bool { return m.name == name })
	if i < 0 {
		t.Skip("TestSuiteFindsMutants runs this")
	}
	m := mutants()[i]
	options := inMemory()
	if m.huge {
		options.Skip = nil
	}
	connectortest.Run(t, connectortest.Config{Options: options, NewStore: func(t *testing.T) connectortest.Store { return m.store(t) }})
}

// store is a fake with the mutant before it.
func (m mutant) store(t *testing.T) connectortest.Store {
	system := fake.New(m.options)
	store := connectortest.Store{
		OpenTarget: func(context.Context) (connector.Target, error) {
			w := &wrappedTarget{Target: system.Target(), box: m.box}
			if m.target != nil {
				m.target(w)
			}
			return w, nil
		},
		OpenSource: func(context.Context) (connector.Source, error) {
			w := &wrappedSource{Source: system.Source(), box: m.reader}
			if m.source != nil {
				m.source(w)
			}
			return w, nil
		},
	}
	if m.untidy {
		store.Dir = t.TempDir()
		open := store.OpenSource
		store.OpenSource = func(ctx context.Context) (connector.Source, error) {
			if err := os.WriteFile(filepath.Join(store.Dir, "lock"), nil, 0o600); err != nil {
				return nil, err
			}
			return open(ctx)
		}
	}
	return store
}

// TestSuiteFindsMutants proves that the suite can fail: each faulty connector is
// found, by the case that is meant to find it.
func TestSuiteFindsMutants(t *testing.T) {
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			if m.huge && testing.Short() {
				t.Skip("a message of 40 MB is not for -short")
			}
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			only := "^TestMutant$"
			if m.found == "" {
				only += "/^accounts$"
			} else {
				only += "/^" + strings.ReplaceAll(m.found, "/", "$/^") + "$"
			}
			arguments := []string{"-test.run=" + only, "-test.v"}
			if !m.huge {
				arguments = append(arguments, "-test.short")
			}
			command := exec.CommandContext(ctx, os.Args[0], arguments...)
			command.Env = append(os.Environ(), chosen+"="+m.name)
			output, err := command.CombinedOutput()
			if err == nil {
				t.Fatalf("the suite passes a connector with this fault:\n%s", output)
			}
			proof := "--- FAIL: TestMutant/" + m.found + " "
			if m.found == "" {
				proof = "goroutines are left over"
			}
			if !strings.Contains(string(output), proof) {
				t.Errorf("the suite fails, and not with %q:\n%s", proof, output)
			}
		})
	}
}
