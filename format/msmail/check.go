package msmail

import (
	"context"
	"fmt"
	"path"
	"strings"

	"waybill/failure"
	"waybill/format/msmail/dos"
	"waybill/format/msmail/evidence"
	"waybill/format/msmail/glb"
	"waybill/format/msmail/mbg"
)

// Check looks at the whole postoffice and reports every rule that it breaks,
// those of Findings first. Every message's structure is read, and no content. It
// fails when ctx ends or the disk does.
func (p *Postoffice) Check(ctx context.Context, report func(Finding)) error {
	for _, f := range p.findings {
		report(f)
	}
	c := check{p: p, report: report, live: map[glb.ID]int{}, rows: map[glb.ID]heading{}, files: map[glb.ID]bool{}, unsure: map[glb.ID]bool{}}
	for _, step := range []func(context.Context) error{c.sizes, c.list, c.names, c.mailbags, c.transit, c.messages, c.attachments, c.folders, c.unread} {
		if err := ctx.Err(); err != nil {
			return failure.New(failure.Cancelled, "check postoffice", "", "", err)
		}
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

type check struct {
	p      *Postoffice
	report func(Finding)
	live   map[glb.ID]int     // live rows of each message
	rows   map[glb.ID]heading // messages that any row or envelope names
	files  map[glb.ID]bool    // attachments that messages name
	unsure map[glb.ID]bool    // messages with a row whose state is not known
}

// heading is what a mailbag says of a message; only that of so many messages is
// remembered.
type heading struct{ sender, subject string }

const maxHeadings = 300_000

func (c *check) found(rule, file string, offset int64, sure evidence.Certainty, event, article, format string, args ...any) {
	c.report(Finding{Rule: rule, File: file, Offset: offset, Text: fmt.Sprintf(format, args...), Certainty: sure, EventID: event, Article: article})
}

// each calls f for the files of a directory.
func (c *check) each(ctx context.Context, dir string, f func(name string, e dos.Entry) error) error {
	entries, err := c.p.tree.List(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if ctx.Err() != nil {
			return failure.New(failure.Cancelled, "check postoffice", dir, "", ctx.Err())
		}
		name := dir + "/" + e.Name
		switch {
		case e.Twin:
			c.found("msmail.twin", name, -1, evidence.Documented, "", "Q132059", "another file has this name in other letter case; this one cannot be reached")
		case e.Other:
			c.found("msmail.link", name, -1, evidence.Documented, "", "", "a link or a device; it is not followed")
		case !e.Dir && !strings.EqualFold(e.Name, "POPULATE.MSM"):
			if err := f(name, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// sizes checks the documented size rules.
func (c *check) sizes(ctx context.Context) error {
	for _, dir := range []string{"GLB", "NME", "GRP", "MEM", "USR", "XTN", "KEY", "MBG", "FOLDERS", "FOLDERS/PUB"} {
		err := c.each(ctx, dir, func(name string, _ dos.Entry) error {
			rule, ok := glb.SizeOf(name)
			if !ok {
				return nil
			}
			info, err := c.p.tree.Stat(name)
			if err != nil {
				return err
			}
			empty := info.Size() == 0 && (strings.EqualFold(path.Ext(name), ".GRP"))
			if !rule.Fits(info.Size()) && !empty {
				article := rule.Article
				if article == "" {
					article = "Q77926"
				}
				c.found("msmail.size", name, -1, evidence.Documented, "", article, "%d bytes; the rule is %s", info.Size(), rule)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// list checks the address list by itself.
func (c *check) list(context.Context) error {
	p := c.p
	tids, aliases := map[uint32]int{}, map[string]int{}
	for i := range p.list.Len() {
		a := glb.Alias(p.list.Record(i))
		at, tid, alias := p.list.Offset(i), a.TID(p.shape), p.page.Decode(a.Name())
		if a.Type(p.shape) == glb.AliasBlank {
			c.found("msmail.alias-blank", p.list.Name, at, evidence.Documented, "", "Q85647", "record %d has type 0; clients show it as a blank line", i)
			continue
		}
		if first, twice := tids[tid]; tid == 0 {
			c.found("msmail.tid-zero", p.list.Name, at, evidence.Documented, "", "Q216193", "%q has no tuple id; groups cannot hold it", alias)
		} else if twice {
			c.found("msmail.tid-duplicate", p.list.Name, at, evidence.Documented, "", "Q216193", "%q has the tuple id %08X of record %d; members of groups are mixed up", alias, tid, first)
		} else {
			tids[tid] = i
		}
		if p.lastTID != 0 && tid > p.lastTID {
			c.found("msmail.tid-ahead", p.list.Name, at, evidence.Documented, "", "Q87404", "%q has tuple id %08X, and TID.GLB says that %08X is the last", alias, tid, p.lastTID)
		}
		if first, twice := aliases[strings.ToLower(alias)]; twice {
			c.found("msmail.alias-duplicate", p.list.Name, at, evidence.Documented, "", "Q112881", "the name %q is also that of record %d", alias, first)
		}
		aliases[strings.ToLower(alias)] = i
	}
	return nil
}

// names checks mailbox, network and postoffice names.
func (c *check) names(context.Context) error {
	for _, u := range c.p.users {
		coded, _ := c.p.page.Encode(u.Mailbox)
		if u.Mailbox != "" && !u.Special && !glb.ValidName(coded) {
			c.found("msmail.mailbox-name", "GLB/ACCESS2.GLB", -1, evidence.Documented, "", "Q199676", "the mailbox name %q has characters that no address can hold", u.Mailbox)
		}
	}
	for _, n := range c.p.networks {
		coded, _ := c.p.page.Encode(n.Name)
		if n.Active && !glb.ValidName(coded) {
			c.found("msmail.network-name", "GLB/NETWORK.GLB", -1, evidence.Documented, "", "Q91044", "the network name %q has characters that no address can hold", n.Name)
		}
	}
	return nil
}

// mailbags checks MBG against KEY, rows against messages, and mailbags against
// users.
func (c *check) mailbags(ctx context.Context) error {
	p := c.p
	owners := map[glb.ID]bool{}
	for _, u := range p.users {
		owners[u.ID] = true
		if !p.tree.Exists(bagFile("MBG", u.ID)) && !p.tree.Exists(bagFile("KEY", u.ID)) {
			c.found("msmail.user-without-mailbag", bagFile("MBG", u.ID), -1, evidence.Documented, "7017", "Q132744", "%q has no mailbag", u.Alias)
		}
	}
	for _, id := range p.Mailbags() {
		if !owners[id] && !p.foreign(id) {
			c.found("msmail.mailbag-without-user", bagFile("MBG", id), -1, evidence.Documented, "", "Q132744", "the mailbag belongs to no user, postoffice or gateway")
		}
		if err := c.mailbag(ctx, id); err != nil {
			return err
		}
	}
	return c.each(ctx, "KEY", func(name string, e dos.Entry) error {
		base, _ := strings.CutSuffix(strings.ToUpper(e.Name), ".KEY")
		if !p.tree.Exists("MBG/" + base + ".MBG") {
			c.found("msmail.mbg-missing", name, -1, evidence.Documented, "4088", "Q132744", "the KEY has no mailbag")
		}
		return nil
	})
}

func (c *check) mailbag(ctx context.Context, id glb.ID) error {
	p, name := c.p, bagFile("MBG", id)
	var key mbg.Key
	hasKey, err := p.whole(bagFile("KEY", id), key[:])
	if err != nil {
		return err
	}
	if !hasKey {
		c.found("msmail.key-missing", bagFile("KEY", id), -1, evidence.Documented, "4088", "Q132744", "the mailbag has no KEY; which of its rows are deleted is not known")
	}
	seen := map[glb.ID]int{}
	rows := 0
	for row, err := range p.Mailbag(ctx, id) {
		if err != nil {
			switch failure.ClassOf(err) {
			case failure.Malformed, failure.Denied:
				rule, article := failure.RuleOf(err), "Q108027"
				if rule == "mbg.size" {
					article = "Q77926"
				}
				c.found(rule, name, row.Offset, evidence.Documented, "4088", article, "%v", err)
				if row.Index >= 0 {
					rows++
				}
				continue
			default:
				return err
			}
		}
		rows++
		if first, twice := seen[row.File]; twice {
			c.found("msmail.row-duplicate", name, row.Offset, evidence.Documented, "", "Q77926", "row %d names the message of row %d, %s", row.Index, first, row.File)
		}
		seen[row.File] = row.Index
		c.row(name, &row)
	}
	if n := key.Beyond(p.keyAt, rows); n > 0 && hasKey && p.keyOK {
		c.found("msmail.key-beyond", bagFile("KEY", id), -1, evidence.Hypothesis, "", "Q120220", "%d bits are set behind the last of %d rows", n, rows)
	}
	if rows >= mbg.MaxRows {
		c.found("msmail.mailbag-full", name, -1, evidence.Documented, "", "Q138054", "%d rows; a mailbag holds %d, and newer mail was turned away", rows, mbg.MaxRows)
	}
	return nil
}

func (c *check) row(name string, row *Row) {
	if _, known := c.rows[row.File]; !known && len(c.rows) < maxHeadings {
		c.rows[row.File] = heading{row.Sender, row.Subject}
	} else if !known {
		c.rows[row.File] = heading{}
	}
	there := c.p.tree.Exists(letterFile("MAI", row.File))
	switch row.State {
	case Deleted:
		return
	case StateUnknown:
		c.unsure[row.File] = true
	case Live:
	}
	c.live[row.File]++
	if !there {
		c.found("mai.missing", name, row.Offset, evidence.Documented, "4088", "Q112304", "row %d (%q) names message %s, which is not there", row.Index, row.Subject, row.File)
	}
	if row.Date.IsZero() {
		c.found("mbg.date", name, row.Offset+0x36, evidence.Derived, "", "Q96694", "row %d (%q) has a date that no calendar has", row.Index, row.Subject)
	}
}
