package msmail

import (
	"context"
	"io"
	"path"
	"strings"

	"waybill/failure"
	"waybill/format/msmail/dos"
	"waybill/format/msmail/evidence"
	"waybill/format/msmail/fld"
	"waybill/format/msmail/glb"
	"waybill/format/msmail/mbg"
)

const hexDigits = "0123456789ABCDEF"

// transit marks messages that are on their way: those of the queues, and those
// with an envelope in P1 (KB Q100826).
func (c *check) transit(ctx context.Context) error {
	for _, queue := range []string{"INQUEUE", "INQUEUE3", "SYSTEM"} {
		t, err := c.p.tableHead("MBG/"+queue+".MBG", mbg.RowSize, 4*mbg.MaxRows)
		if err != nil {
			return err
		}
		for i := range t.Len() {
			row := mbg.Row(t.Record(i))
			if id, ok := glb.ParseID(row.File()); ok {
				c.mark(id)
			}
		}
		if t.Len() > 0 {
			c.found("msmail.undelivered", t.Name, -1, evidence.Documented, "", "Q221963", "%d rows wait for delivery; run EXTERNAL on the postoffice before the last copy is made", t.Len())
		}
	}
	return c.each(ctx, "P1", func(_ string, e dos.Entry) error {
		base, _, _ := strings.Cut(e.Name, ".")
		if id, ok := glb.ParseID(base); ok {
			c.mark(id)
		}
		return nil
	})
}

// mark remembers a message that no mailbag needs to name.
func (c *check) mark(id glb.ID) {
	if _, known := c.rows[id]; !known {
		c.rows[id] = heading{}
	}
}

// messages reads the structure of every message.
func (c *check) messages(ctx context.Context) error {
	for _, digit := range hexDigits {
		err := c.each(ctx, "MAI/MA"+string(digit), func(name string, e dos.Entry) error {
			base, isMail := strings.CutSuffix(strings.ToUpper(e.Name), ".MAI")
			id, ok := glb.ParseID(base)
			if !ok || !isMail || base[7] != byte(digit) {
				c.found("msmail.stray-file", name, -1, evidence.Documented, "", "Q87409", "no message has this name in this directory")
				return nil
			}
			if _, named := c.rows[id]; !named {
				c.found("msmail.mai-stranded", name, -1, evidence.Documented, "", "Q101833", "no mailbag names this message")
			}
			return c.message(ctx, name, id)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *check) message(ctx context.Context, name string, id glb.ID) error {
	where := part{file: name}
	e, err := c.p.envelope(ctx, where)
	if err != nil {
		switch failure.ClassOf(err) {
		case failure.Malformed, failure.Vanished:
			c.found(failure.RuleOf(err), name, 0, evidence.Derived, "4088", "Q112304", "%v", err)
			return nil
		}
		return err
	}
	var row *Row
	if h := c.rows[id]; h.sender != "" || h.subject != "" {
		row = &Row{Sender: h.sender, Subject: h.subject}
	}
	m := c.p.message(e, where, row)
	for _, d := range m.Defects {
		d.File = name
		c.report(d)
	}
	for _, a := range m.Attachments {
		if a.named {
			if c.files[a.ID] {
				c.found("msmail.att-shared", name, -1, evidence.Documented, "", "Q87379", "another message names attachment %s too", a.ID)
			}
			c.files[a.ID] = true
		}
	}
	if live := c.live[id]; e.Count >= 0 && live > 0 && e.Count != live && !c.unsure[id] {
		c.found("msmail.reference-count", name, 0x0B, evidence.Derived, "", "Q104423", "the message counts %d users, and %d mailbags have it", e.Count, live)
	}
	return nil
}

// attachments finds files that no message names.
func (c *check) attachments(ctx context.Context) error {
	for _, digit := range hexDigits {
		err := c.each(ctx, "ATT/AT"+string(digit), func(name string, e dos.Entry) error {
			base, isFile := strings.CutSuffix(strings.ToUpper(e.Name), ".ATT")
			id, ok := glb.ParseID(base)
			if !ok || !isFile || base[7] != byte(digit) {
				c.found("msmail.stray-file", name, -1, evidence.Documented, "", "Q87378", "no attachment has this name in this directory")
				return nil
			}
			info, err := c.p.tree.Stat(name)
			if err != nil {
				return err
			}
			switch {
			case !c.files[id] && c.p.known:
				c.found("msmail.att-stranded", name, -1, evidence.Documented, "", "Q101833", "no message names this attachment of %d bytes", info.Size())
			case info.Size() == 0:
				c.found("msmail.att-empty", name, -1, evidence.Documented, "", "Q103421", "the attachment is empty")
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// folders names what cannot be read.
func (c *check) folders(ctx context.Context) error {
	folders, err := c.p.Folders(ctx)
	if err != nil {
		return err
	}
	for _, f := range folders {
		switch {
		case f.Kind == MessageStore:
			c.found("msmail.mmf", f.File, -1, evidence.Documented, "7007", "Q199980", "%s; %s", f.Why, f.WayRound)
		case !f.Readable:
			c.found("fld.unreadable", f.File, -1, f.Certainty, "168", "Q149284", "%s; %s", f.Why, f.WayRound)
		}
		if f.Kind != MessageStore && f.Index == "" {
			c.found("fld.orphan", f.File, -1, evidence.Hypothesis, "168", "Q117197", "no index names this folder")
		}
	}
	return c.missingFolders(folders)
}

// unread names what is never read: calendars, which are encrypted (KB Q130322), and
// data of templates (KB Q117927).
func (c *check) unread(ctx context.Context) error {
	for _, kind := range []struct{ dir, ext, rule, article, text string }{
		{"CAL", ".CAL", "msmail.cal", "Q130322", "a calendar of Schedule+; it is encrypted and is not read; export it with Schedule+ in the interchange form"},
		{"INF", ".INF", "msmail.inf", "Q117927", "data of templates; it is encrypted and is not read; get it as text with IMPORT -X or TEMPLATE.EXE"},
	} {
		err := c.each(ctx, kind.dir, func(name string, _ dos.Entry) error {
			info, err := c.p.tree.Stat(name)
			if err == nil && info.Size() > 0 && strings.EqualFold(path.Ext(name), kind.ext) {
				c.found(kind.rule, name, -1, evidence.Documented, "", kind.article, "%s; %d bytes", kind.text, info.Size())
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// missingFolders finds index entries whose folder file is not there.
func (c *check) missingFolders(folders []Folder) error {
	named := map[string]int{}
	for _, f := range folders {
		if f.Index != "" {
			named[f.Index]++
		}
	}
	for index, n := range named {
		t, _, err := c.p.table(index, fld.IndexHeader, fld.IndexRecord)
		if err != nil {
			return err
		}
		if t.Len() > n {
			c.found("fld.missing", index, -1, evidence.Hypothesis, "168", "Q105960", "the index has %d records, and %d folder files were found for them", t.Len(), n)
		}
	}
	return nil
}

// CopyRaw writes the bytes of a file of the postoffice as they are, for keeping
// aside what could not be read. name is as a Finding has it.
func (p *Postoffice) CopyRaw(ctx context.Context, w io.Writer, name string) (int64, error) {
	r, _, err := p.open(ctx, part{file: name})
	if err != nil {
		return 0, err
	}
	defer func() { _ = r.Close() }()
	n, err := io.Copy(w, r)
	if err != nil && failure.ClassOf(err) == failure.Internal {
		err = failure.New(failure.Full, "copy", name, "msmail.copy", err)
	}
	return n, err
}
