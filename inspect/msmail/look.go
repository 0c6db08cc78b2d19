// Package msmail is the postoffice doctor: it looks into a postoffice of Microsoft
// Mail, tells what was found out about it and how sure that is, and names every rule
// that it breaks, with the event and the article under which the trouble is known.
package msmail

import (
	"context"
	"os"
	"strings"

	"waybill/connector"
	"waybill/failure"
	"waybill/format/msmail"
	"waybill/format/msmail/glb"
	"waybill/inspect"
)

// Look looks into the postoffice that what names: msmail:DIR, with the options of
// the source, or a directory that holds GLB/MASTER.GLB. ok is false for anything else.
func Look(ctx context.Context, what string) (r *inspect.Report, ok bool, err error) {
	loc := connector.Location{Path: what}
	named := strings.HasPrefix(strings.ToLower(what), "msmail:")
	if named {
		if loc, err = connector.ParseLocation(what); err != nil {
			return nil, false, err
		}
	} else if info, err := os.Stat(what); err != nil || !info.IsDir() {
		return nil, false, nil
	}
	opt, err := optionsOf(loc)
	if err != nil {
		return nil, false, err
	}
	root, err := os.OpenRoot(loc.Path)
	if err != nil {
		return nil, false, failure.New(failure.ClassOf(err), "inspect", what, "inspect.open", err)
	}
	defer func() { _ = root.Close() }()
	po, err := msmail.Open(ctx, root.FS(), opt)
	if err != nil {
		if !named && failure.RuleOf(err) == "msmail.no-postoffice" {
			return nil, false, nil
		}
		return nil, false, err
	}
	r, err = report(ctx, po, what)
	if err != nil {
		return nil, false, err
	}
	return r, true, sample(ctx, root.FS(), r)
}

func report(ctx context.Context, po *msmail.Postoffice, what string) (*inspect.Report, error) {
	r := &inspect.Report{Title: what, Kind: "Microsoft Mail postoffice"}
	if network, post := po.Name(); network != "" && post != "" {
		r.Title += " (" + network + "/" + post + ")"
	}
	if err := facts(ctx, po, r); err != nil {
		return nil, err
	}
	err := po.Check(ctx, func(f msmail.Finding) {
		of := ruleOf(f.Rule)
		found := inspect.Finding{Severity: of.severity, Rule: f.Rule, Where: place(f), Text: f.Text, Certainty: f.Certainty.String(), Remedy: of.remedy, Private: true, Plain: plainOf(f.Rule, of)}
		if f.EventID != "" {
			found.Events = []string{"MSExchangeMig " + f.EventID}
		}
		if f.Article != "" {
			found.Articles = []string{"KB " + f.Article}
		}
		r.Find(found)
	})
	return r, err
}

func place(f msmail.Finding) string {
	if f.Offset > 0 {
		return f.File + " offset " + number(f.Offset)
	}
	return f.File
}

// facts tells what the postoffice holds, and how sure what is not published is.
func facts(ctx context.Context, po *msmail.Postoffice, r *inspect.Report) error {
	users := po.Users()
	owners := map[glb.ID]bool{}
	unnamed := 0
	for _, u := range users {
		owners[u.ID] = true
		if u.Mailbox == "" {
			unnamed++
		}
	}
	r.Fact("code page", "%d (not stored in a postoffice: codepage=)", po.CodePage())
	r.Fact("users", "%d", len(users))
	if unnamed > 0 {
		r.Fact("users without a mailbox name", "%d", unnamed)
	}
	members := 0
	for _, g := range po.Groups() {
		members += len(g.Members)
	}
	r.Fact("groups", "%d with %d members", len(po.Groups()), members)
	addressed := 0
	for _, x := range po.Externals() {
		if x.Address.Value != "" {
			addressed++
		}
	}
	r.Fact("external addresses", "%d, of %d entries", addressed, len(po.Externals()))
	posts := 0
	for _, n := range po.Networks() {
		posts += len(n.Postoffices)
	}
	r.Fact("networks and gateways", "%d, with %d postoffices", len(po.Networks()), posts)
	r.Fact("personal lists", "%d", len(po.PersonalLists()))
	rows := map[msmail.State]int{}
	for _, id := range po.Mailbags() {
		for row, err := range po.Mailbag(ctx, id) {
			if err == nil {
				rows[row.State]++
			}
			if ctx.Err() != nil {
				return failure.New(failure.Cancelled, "inspect", "", "", ctx.Err())
			}
		}
	}
	r.Fact("mailbags", "%d; rows: %d live, %d deleted, %d unknown", len(po.Mailbags()), rows[msmail.Live], rows[msmail.Deleted], rows[msmail.StateUnknown])
	if err := folderFacts(ctx, po, r, users); err != nil {
		return err
	}
	r.Fact("messages can be read", "%s", yes(po.Readable()))
	r.Fact("deleted rows are known", "%s", po.KeyCertainty())
	for _, e := range po.Evidence() {
		choice := e.Choice
		switch {
		case choice == "":
			choice = "not found"
		case strings.Contains(e.Of, "own name"), strings.Contains(e.Of, "cipher key"):
			choice = "found" // a name, and a key, are the owner's
		}
		r.Fact("found out: "+e.Of, "%s; %d of %d agree, next best %d, confidence %.2f", choice, e.For, e.Total, e.RunnerUp, e.Confidence())
	}
	return nil
}

func folderFacts(ctx context.Context, po *msmail.Postoffice, r *inspect.Report, users []msmail.User) error {
	folders, err := po.Folders(ctx)
	if err != nil {
		return err
	}
	readable, stores, messages := 0, 0, 0
	var bytes int64
	has := map[glb.ID]bool{}
	for _, f := range folders {
		switch {
		case f.Kind == msmail.MessageStore:
			stores++
			bytes += f.Size
			if f.Owned {
				has[f.Owner] = true
			}
		case f.Readable:
			readable++
			messages += f.Messages
		}
	}
	r.Fact("folders", "%d, %d of them can be read, with %d messages", len(folders)-stores, readable, messages)
	r.Fact("message stores", "%d, %d bytes; they cannot be read", stores, bytes)
	without := 0
	for _, u := range users {
		if !has[u.ID] && !u.Special {
			without++
		}
	}
	if without > 0 {
		r.Find(inspect.Finding{Severity: inspect.Note, Rule: "msmail.mmf-elsewhere", Certainty: "documented", Articles: []string{"KB Q129900"},
			Text:   number(int64(without)) + " users have no message store on the postoffice; Windows clients can keep it on the user's own disk",
			Remedy: "ask them, and have such stores exported to .PST files"})
	}
	return nil
}

func yes(b bool) string {
	if b {
		return "yes: the key was found in the messages themselves"
	}
	return "no"
}
