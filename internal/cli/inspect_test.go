package cli

import (
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"waybill/internal/pstwrite"
	"waybill/internal/pstwrite/sample"
)

// writePST writes a PST of invented items: pst FILE ITEMS, and with a third word
// "flip" or "root" damages a block of it, or the root of its tree of nodes.
func writePST(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: pst FILE ITEMS [flip|root]")
	}
	n, err := strconv.Atoi(args[1])
	ts.Check(err)
	o := sample.Options{Options: pstwrite.Options{Encryption: pstwrite.Permute, Password: "harbour"}, Messages: n}
	if len(args) == 2 {
		_, err = sample.Write(ts.MkAbs(args[0]), o)
		ts.Check(err)
		return
	}
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	defer func() { ts.Check(f.Close()) }()
	w, err := pstwrite.New(f, o.Options)
	ts.Check(err)
	folder, err := w.Folder(pstwrite.Root, "Cargo", "IPF.Note")
	ts.Check(err)
	for range n {
		_, err = w.Add(folder, pstwrite.Message{Props: []pstwrite.Prop{pstwrite.Text(0x1000, string(make([]byte, 9000)))}})
		ts.Check(err)
	}
	ts.Check(w.Close())
	region := w.Layout().Root(pstwrite.NodePage)
	if args[2] == "flip" {
		for b := range w.Layout().Blocks() {
			if b.Size > 4000 {
				region = b
				break
			}
		}
		ts.Check(w.Layout().Flip(f, region, 100))
		return
	}
	ts.Check(w.Layout().Rewrite(f, region, func(b []byte) { clear(b) }))
}
