package preflight

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"waybill/connector"
	"waybill/event"
	"waybill/failure"
	"waybill/mail"
	"waybill/rights"
)

// canaryDate is an arrival long ago, so that a target which silently uses the
// present is caught, in a zone in which the year is another one, so that a target
// which drops the zone is caught too.
var canaryDate = time.Date(2000, time.January, 1, 3, 15, 15, 0, time.FixedZone("", (5*60+45)*60))

// canaryStart begins every canary.
const canaryStart = "From: Waybill <waybill@invalid>\r\n"

// canaryText has what a message may have and programs on the way like to change:
// a folded header, trailing blanks, a lone full stop, a line that looks like an
// mbox's separator, a long line, and letters that are not ASCII.
const canaryText = canaryStart + "To: postmaster@invalid\r\nSubject: Waybill canary\r\n\t%s\r\n" +
	"Date: Sat, 1 Jan 2000 03:15:15 +0545\r\nMessage-ID: <%s@waybill.invalid>\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n" +
	"Waybill put this message here to see whether it may, and removes it again.\r\nIf you find it, it can be deleted.\r\n" +
	"\r\nFrom here on it is odd: \t \r\n.\r\n..\r\nGrüße, 你好, \u00a0\r\n" + longLine + "\r\n-- \r\nWaybill\r\n"

// longLine has as many bytes as a line may have (RFC 5322 2.1.1).
const longLine = line100 + line100 + line100 + line100 + line100 + line100 + line100 + line100 + line100 +
	"90123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456"

const line100 = "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"

// canary is one trial delivery to one mailbox.
type canary struct {
	m       *Check
	box     connector.TargetMailbox
	account string

	name string // of its trace in the ledger
	left trace
	id   string // of the message; empty when there is none
	sure bool   // that there is no message where id is empty
	made bool   // there is something to remove
}

// fly delivers a canary, reads it back and compares. cleanUp removes it.
func (c *canary) fly(ctx context.Context, together int) []rights.Finding {
	token := randomToken()
	action := "append to the mailbox"
	if together > 1 {
		action = fmt.Sprintf("append while %d mailboxes are open at the same time", together)
	}
	caps := c.m.Target.Capabilities()
	folder, _, _ := c.m.Target.FolderName(mail.NewPath("Waybill canary "+token), 0)
	if !caps.EmptyFolders {
		// A target that cannot hold folders of their own takes it in the inbox.
		folder, _, _ = c.m.Target.FolderName(mail.Inbox, 0)
	}
	c.m.step(ctx, "preflight: "+action, "account", c.account, "folder", folder)
	// The name is used again by the next preflight, so that many of them do not
	// fill the ledger; one that tells of something left is kept.
	if c.name = "in " + c.account; c.m.outstanding[c.name] {
		c.name += " " + token
	}
	c.left = trace{Account: c.account, Folder: folder, Own: caps.EmptyFolders}
	if err := c.m.leave(ctx, c.name, c.left); err != nil {
		return c.refused("write to the ledger", err)
	}
	if c.left.Own {
		c.m.maps.canary(folder, c.account)
	}
	if err := c.box.CreateFolder(ctx, mail.Folder{Path: folder}); err != nil {
		// It may be there all the same: a lost answer. What cannot be removed now
		// stays in the ledger for the next preflight.
		if !c.left.Own || c.folderGone(folder) {
			c.m.gone(c.name)
		}
		return c.refused("create a folder", err)
	}
	c.made = true
	body := strings.ReplaceAll(canaryText, "%s", token)
	item := connector.Item{Message: mail.Message{Key: token, Size: int64(len(body)), InternalDate: canaryDate, Flags: canaryFlags(caps)},
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }}
	var findings []rights.Finding
	c.id, c.sure, findings = c.deliver(ctx, item, body, action)
	return findings
}

// canaryFlags are all that the target keeps, so that one it loses is seen.
// Deleted is left out: some servers take it for an order.
func canaryFlags(caps connector.Capabilities) mail.FlagSet {
	set := mail.NewFlagSet(caps.Flags &^ mail.Deleted)
	if caps.Keywords {
		set = mail.NewFlagSet(set.System, "WaybillCanary")
	}
	return set
}

// deliver returns the canary's place, empty when it has none, and whether that
// is sure.
func (c *canary) deliver(ctx context.Context, item connector.Item, body, action string) (id string, sure bool, findings []rights.Finding) {
	folder := c.left.Folder
	at, err := c.box.Position(ctx, folder)
	if err != nil {
		return "", true, c.refused("see the position of a folder", err)
	}
	c.left.Position = at
	if err := c.m.leave(ctx, c.name, c.left); err != nil {
		return "", true, c.refused("write to the ledger", err)
	}
	receipts, err := c.box.Append(ctx, folder, at, []connector.Item{item})
	if err == nil && len(receipts) != 1 {
		err = fmt.Errorf("%d receipts for one message", len(receipts))
	}
	switch {
	case err != nil:
		id, lost := c.find(c.left)
		return id, lost == nil, c.refused(action, err)
	case receipts[0].Err != nil:
		return "", true, c.refused(action, receipts[0].Err)
	}
	if id = receipts[0].ID; id == "" {
		if id, err = c.find(c.left); err == nil && id == "" {
			err = errors.New("the message is not in the folder that it was delivered to")
		}
		if err != nil {
			return id, false, c.refused(action, err)
		}
	}
	findings = append(findings, rights.Finding{Action: action, Where: c.account, OK: true})
	if len(receipts[0].Notes) > 0 {
		c.m.step(ctx, "preflight: the target made notes", "account", c.account, "notes", receipts[0].Notes)
	}
	return id, true, append(findings, c.compare(ctx, folder, id, item, body)...)
}

// lookAround tells whether the mailbox is another account's, too: by its word for
// itself, and by the canaries of others in it.
func (c *canary) lookAround(ctx context.Context) []rights.Finding {
	if ctx.Err() != nil {
		return nil
	}
	if word := c.m.identity(ctx, c.box, c.account); word != "" {
		if other, same := c.m.maps.meets(word, c.account); same {
			return []rights.Finding{sameMailbox("account", c.account, other, "the server gives both the same identity")}
		}
	}
	if !c.made || !c.left.Own {
		return nil
	}
	folders, err := c.box.Folders(ctx)
	if err != nil {
		return c.refused("list folders", err)
	}
	for _, f := range folders {
		if other := c.m.maps.owner(f.Path); other != "" && other != c.account {
			return []rights.Finding{sameMailbox("account", c.account, other, "what is put into one is seen in the other")}
		}
	}
	return nil
}

// find looks for a canary whose place nobody told, also when the run was
// cancelled meanwhile. Other mail may have arrived beside it.
func (c *canary) find(t trace) (id string, err error) {
	ctx := context.Background()
	for stored, err := range c.box.Arrived(ctx, t.Folder, t.Position) {
		if err != nil {
			return id, err
		}
		ours := t.Own
		if !ours {
			if ours, err = isCanary(ctx, c.box, t.Folder, stored.ID); err != nil {
				return id, err
			}
		}
		if ours {
			id = stored.ID
		}
	}
	return id, nil
}

// folderGone removes a folder that may have been made.
func (c *canary) folderGone(folder mail.Path) bool {
	ctx := context.Background()
	if err := c.box.DeleteFolder(ctx, folder); err == nil || failure.ClassOf(err) == failure.Vanished {
		return true
	}
	folders, err := c.box.Folders(ctx)
	return err == nil && !slices.ContainsFunc(folders, func(f mail.Folder) bool { return f.Path == folder })
}

// compare reads the canary back as its owner sees it.
func (c *canary) compare(ctx context.Context, folder mail.Path, id string, item connector.Item, body string) []rights.Finding {
	const action = "read a delivered message back"
	stored, reader, err := c.box.Open(ctx, folder, id)
	if err != nil {
		return c.refused(action, err)
	}
	got, err := c.m.Target.Fingerprint(ctx, reader)
	err = errors.Join(err, reader.Close())
	if err != nil {
		return c.refused(action, err)
	}
	want, err := c.m.Target.Fingerprint(ctx, strings.NewReader(body))
	if err != nil {
		return c.refused(action, err)
	}
	caps := c.m.Target.Capabilities()
	var differs []string
	if got != want {
		differs = append(differs, "the content is not what was delivered")
	}
	if !stored.Flags.Equal(item.Flags) {
		differs = append(differs, fmt.Sprintf("flags are (%s), want (%s)", stored.Flags, item.Flags))
	}
	if caps.DatePrecision > 0 && !mail.SameMoment(stored.InternalDate, item.InternalDate, caps.DatePrecision) {
		differs = append(differs, fmt.Sprintf("internal date is %s, want %s", stored.InternalDate.UTC().Format(time.RFC3339), item.InternalDate.UTC().Format(time.RFC3339)))
	}
	if len(differs) > 0 {
		detail := strings.Join(differs, "; ")
		c.m.emit(event.Event{Code: event.CanaryDiffers, User: c.account, Detail: detail})
		return []rights.Finding{{Action: action, Where: c.account, Detail: detail, Event: string(event.CanaryDiffers)}}
	}
	return []rights.Finding{{Action: action, Where: c.account, OK: true}}
}

// cleanUp removes the canary, also when the run was cancelled meanwhile.
func (c *canary) cleanUp() (findings []rights.Finding) {
	defer c.m.maps.canary(c.left.Folder, "")
	if !c.made {
		return nil
	}
	ctx, folder, id, ownFolder := context.Background(), c.left.Folder, c.id, c.left.Own
	if id != "" {
		if err := c.box.Remove(ctx, folder, id); err != nil && failure.ClassOf(err) != failure.Vanished {
			c.m.emit(event.Event{Code: event.CanaryLeft, User: c.account, Folder: string(folder), Key: id, Detail: err.Error()})
			findings = append(findings, c.refused("remove the canary message", err)...)
		}
	}
	if ownFolder {
		if err := c.box.DeleteFolder(ctx, folder); err != nil && failure.ClassOf(err) != failure.Vanished {
			c.m.emit(event.Event{Code: event.CanaryLeft, User: c.account, Folder: string(folder), Detail: err.Error()})
			findings = append(findings, c.refused("remove the canary folder", err)...)
		}
	}
	if len(findings) == 0 && (c.sure || ownFolder) {
		c.m.gone(c.name)
	}
	return findings
}

func (c *canary) refused(action string, err error) []rights.Finding {
	return findingOf(action, c.account, err)
}
