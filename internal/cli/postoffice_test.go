package cli

import (
	"github.com/rogpeppe/go-internal/testscript"

	"waybill/internal/postoffice"
)

// writePostoffice writes a small postoffice: postoffice DIR, and with a second word
// damages it: the name of a corruption, or "everything" for all of them in a larger one.
func writePostoffice(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: postoffice DIR [CORRUPTION|everything]")
	}
	opt := postoffice.Options{Seed: 5, Users: 6, Messages: 30}
	if len(args) == 2 && args[1] == "everything" {
		opt.Users, opt.Messages = 70, 300
	}
	files, m, err := postoffice.Build(opt)
	ts.Check(err)
	if len(args) == 2 && args[1] == "everything" {
		_, err = postoffice.InjectAll(files, m)
		ts.Check(err)
	} else if len(args) == 2 {
		found := false
		for _, c := range postoffice.Corruptions() {
			if c.Name == args[1] {
				found = true
				_, err = c.Inject(files, m)
				ts.Check(err)
			}
		}
		if !found {
			ts.Fatalf("no corruption is called %q", args[1])
		}
	}
	ts.Check(files.WriteTo(ts.MkAbs(args[0])))
}
