// Generate writes the mail of Harbour & Hale, the example office, into a folder.
//
//	go run ./examples/generate -out examples/harbour
//
// The folder is made anew: what an earlier run wrote there is replaced, and a
// folder that no earlier run wrote is left alone with an error.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"waybill/examples/office"
)

func main() {
	out := flag.String("out", "examples/harbour", "folder to write")
	expected := flag.String("expected", "", "also write what a correct run must report, as JSON, into this file")
	flag.Parse()
	if err := run(*out, *expected); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(out, expected string) error {
	e, err := office.Write(out)
	if err != nil {
		return err
	}
	t := e.Totals
	fmt.Printf("%s: %d mailboxes, %d messages, %d of them broken on purpose, %.1f MB\n", out, len(e.Mailboxes), t.Found, t.Quarantined, float64(t.Bytes)/1e6)
	if expected == "" {
		return nil
	}
	b, err := json.MarshalIndent(e, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(expected, append(b, '\n'), 0o644)
}
