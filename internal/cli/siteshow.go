package cli

import (
	"fmt"

	"waybill/directory"
	"waybill/sitestore"
)

type siteShowCmd struct {
	File string `arg:"" help:"The site's file."`
}

func (c *siteShowCmd) Run(e *env) error {
	return e.withSite(c.File, true, func(s *sitestore.Store) error {
		d, err := s.Describe(e.ctx)
		if err != nil {
			return err
		}
		behaviour := d.Behaviour
		if behaviour == "" {
			behaviour = "normal"
		}
		if e.json {
			e.emitJSON(map[string]any{"type": "site", "organization": d.Organization, "site": d.Site, "operator": d.Creator, "behaviour": behaviour,
				"accounts": d.Accounts, "contacts": d.Contacts, "lists": d.Lists, "folders": d.Folders, "messages": d.Messages, "bytes": d.MessageBytes,
				"bodies": d.Bodies, "stored_bytes": d.StoredBytes, "segment_bytes": d.SegmentBytes, "index_bytes": d.IndexBytes})
		}
		e.say("Organization %s, site %s; made by %s on %s; acts as: %s", d.Organization, d.Site, d.Creator, d.Created.Format("2006-01-02"), behaviour)
		e.say("%d accounts, %d contacts, %d lists, %d folders", d.Accounts, d.Contacts, d.Lists, d.Folders)
		e.say("%d messages of %s; %d different ones of %s, stored in %s, and an index of %s\n", d.Messages, size(d.MessageBytes), d.Bodies, size(d.BodyBytes), size(d.SegmentBytes), size(d.IndexBytes))
		for _, h := range d.Holders {
			if !h.Self {
				e.say("open in another process: %s", h)
			}
		}
		w := e.table("ACCOUNT\tKIND\tNAME\tFOLDERS\tMESSAGES\tSIZE")
		for a, err := range s.AccountSizes(e.ctx) {
			if err != nil {
				return err
			}
			kind := "person"
			if a.Kind == directory.Public {
				kind = "public folders"
			}
			if e.json {
				e.emitJSON(map[string]any{"type": "account", "account": a.ID, "kind": a.Kind, "name": a.Name, "folders": a.Folders, "messages": a.Messages, "bytes": a.Bytes})
			}
			_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%s\n", printable(a.ID), kind, printable(a.Name), a.Folders, a.Messages, size(a.Bytes))
		}
		return w.Flush()
	})
}

type siteCheckCmd struct {
	File string `arg:"" help:"The site's file."`
}

func (c *siteCheckCmd) Run(e *env) error {
	return e.withSite(c.File, true, func(s *sitestore.Store) error {
		sum, err := s.Check(e.ctx, func(p sitestore.Problem) {
			if e.json {
				e.emitJSON(map[string]any{"type": "problem", "problem": p})
				return
			}
			e.say("%s", printable(p.String()))
		})
		if err != nil {
			return err
		}
		e.done("check", "%d folders, %d messages, %d bodies of %s read: %d problems", sum.Folders, sum.Messages, sum.Bodies, size(sum.Bytes), sum.Problems)
		if sum.Problems > 0 {
			return codeError(exitExceptions)
		}
		return nil
	})
}
