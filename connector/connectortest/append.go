package connectortest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"waybill/connector"
	"waybill/connector/connectortest/internal/check"
	"waybill/connector/connectortest/internal/post"
	"waybill/failure"
)

func appendCases() []testCase {
	return []testCase{
		{"append/fingerprint", fingerprint},
		{"append/duplicates", duplicates},
		{"append/order", arrivalOrder},
		{"append/receipts", receipts},
		{"append/broken-reader", brokenReader},
		{"append/open-fails", openFails},
		{"append/size-unknown", sizeUnknown},
		{"append/size-untrue", sizeUntrue},
		{"append/many", many},
		{"append/too-large", tooLarge},
		{"append/two-mailboxes", twoMailboxes},
		{"append/two-lanes", twoLanes},
		{"append/open-unknown", openUnknown},
		{"append/remove", remove},
	}
}

// fingerprint is the same for the same message and differs for another.
func fingerprint(tr *trial) {
	d := tr.desk()
	a, again, b := d.digest(post.Compose(1)), d.digest(post.Compose(1)), d.digest(post.Compose(2))
	if a != again {
		tr.Errorf("two fingerprints of one message differ")
	}
	if a == b {
		tr.Errorf("two messages have one fingerprint")
	}
	if a.IsZero() {
		tr.Errorf("the fingerprint is zero")
	}
	_, err := d.target.Fingerprint(d.Ctx, &post.Trap{Do: post.Broken})
	if !errors.Is(err, post.ErrBroken) {
		tr.Errorf("fingerprint of a reader that fails: error is %v, want that of the reader", err)
	}
}

// duplicates are three messages with equal bytes, and stay three.
func duplicates(tr *trial) {
	d := tr.desk()
	start := d.position()
	same := post.Compose(1)
	letters := []post.Letter{same, same, post.Compose(2), same}
	d.deliver(letters...)
	d.wantContents(start, letters)
	d.deliver(same)
	d.wantContents(start, append(letters, same))
}

// arrivalOrder keeps the order over several batches and after reopening.
func arrivalOrder(tr *trial) {
	d := tr.desk()
	start := d.position()
	var letters []post.Letter
	for batch := range 4 {
		some := post.Many(batch*10, 7)
		// Dates run backwards, so that a target that sorts by date is found out.
		for i := range some {
			some[i].Date = post.Born.AddDate(0, 0, -len(letters)-i)
		}
		d.deliver(some...)
		letters = append(letters, some...)
	}
	list := d.wantContents(start, letters)
	d.reopen()
	again := d.wantContents(start, letters)
	for i := range min(len(list), len(again)) {
		if list[i].ID != again[i].ID {
			tr.Errorf("message %d has the ID %q, and %q after reopening", i+1, list[i].ID, again[i].ID)
		}
	}
}

// receipts name the message that they are for.
func receipts(tr *trial) {
	d := tr.desk()
	letters := post.Many(1, 5)
	seen := map[string]bool{}
	for i, r := range d.deliver(letters...) {
		if r.ID == "" {
			continue
		}
		if seen[r.ID] {
			tr.Errorf("two receipts have the ID %q", r.ID)
		}
		seen[r.ID] = true
		if _, digest := d.read(r.ID); digest != d.digest(letters[i]) {
			tr.Errorf("receipt %d names %q, which is another message", i+1, r.ID)
		}
	}
	receipts, err := d.mailbox.Append(d.Ctx, d.path, d.position(), nil)
	tr.Check("append nothing", err)
	if len(receipts) != 0 {
		tr.Errorf("appending nothing returned %d receipts", len(receipts))
	}
}

// brokenReader breaks off one item of a batch after another, in the middle: it
// is not stored, not even in part, and the others are.
func brokenReader(tr *trial) {
	d := tr.desk()
	for k := range 3 {
		start := d.position()
		letters := post.Many(10*k, 3)
		sent := append([]post.Letter{}, letters...)
		sent[k] = sent[k].Halfway(post.Broken)
		want := append(append([]post.Letter{}, letters[:k]...), letters[k+1:]...)
		receipts, err := d.mailbox.Append(d.Ctx, d.path, start, post.Items(sent))
		tr.Must(fmt.Sprintf("append with broken item %d", k+1), err)
		if len(receipts) != 3 {
			tr.Fatalf("Append of 3 items returned %d receipts", len(receipts))
		}
		for i, r := range receipts {
			if (i == k) != (r.Err != nil) {
				tr.Errorf("item %d of a batch with broken item %d: receipt has error %v", i+1, k+1, r.Err)
			}
		}
		if !errors.Is(receipts[k].Err, post.ErrBroken) {
			tr.Errorf("receipt of a broken item has error %v, want that of its reader", receipts[k].Err)
		}
		d.wantContents(start, want)
		// The engine may try again in the same session.
		d.deliver(letters[k])
		d.wantContents(start, append(want, letters[k]))
	}
}

// openFails has an item that cannot even be opened.
func openFails(tr *trial) {
	d := tr.desk()
	start := d.position()
	sent := post.Items(post.Many(1, 3))
	gone := failure.New(failure.Vanished, "open message", "suite", "suite.gone", nil)
	sent[1].Open = func(context.Context) (io.ReadCloser, error) { return nil, gone }
	receipts, err := d.mailbox.Append(d.Ctx, d.path, start, sent)
	tr.Must("append", err)
	if len(receipts) != 3 || receipts[0].Err != nil || receipts[2].Err != nil {
		tr.Fatalf("an item that cannot be opened keeps others from being delivered: %+v", receipts)
	}
	tr.WantClass("item that cannot be opened", receipts[1].Err, failure.Vanished)
	d.wantContents(start, []post.Letter{post.Compose(1), post.Compose(3)})
}

// sizeUnknown delivers messages whose size the source does not know.
func sizeUnknown(tr *trial) {
	d := tr.desk()
	start := d.position()
	letters := post.Many(1, 3)
	letters = append(letters, post.Letter{Name: "nothing", Body: []byte("Subject: short\r\n\r\n"), Date: post.Born})
	sent := post.Items(letters)
	for i := range sent {
		sent[i].Size = -1
	}
	receipts, err := d.mailbox.Append(d.Ctx, d.path, start, sent)
	tr.Must("append messages of unknown size", err)
	for i, r := range receipts {
		tr.Check("append "+letters[i].Name, r.Err)
	}
	d.wantContents(start, letters)
}

// sizeUntrue has items with more or fewer bytes than they said: each is stored as
// it is, or refused, and never cut or padded; others are not harmed.
func sizeUntrue(tr *trial) {
	d := tr.desk()
	start := d.position()
	letters := post.Many(1, 4)
	sent := post.Items(letters)
	sent[1].Size += 100
	sent[2].Size -= 100
	receipts, err := d.mailbox.Append(d.Ctx, d.path, start, sent)
	tr.Must("append messages of untrue size", err)
	if len(receipts) != len(sent) {
		tr.Fatalf("Append of %d items returned %d receipts", len(sent), len(receipts))
	}
	var taken []post.Letter
	for i, r := range receipts {
		switch {
		case r.Err == nil:
			taken = append(taken, letters[i])
		case i == 0 || i == 3:
			tr.Errorf("item %d was not taken because of another: %v", i+1, r.Err)
		default:
			tr.Class("refuse an item of untrue size", r.Err)
		}
	}
	d.wantContents(start, taken)
}

// many delivers some hundred messages, so that counters gain digits.
func many(tr *trial) {
	d := tr.desk()
	start := d.position()
	n := 300
	if testing.Short() {
		n = 120
	}
	letters := post.Many(0, n)
	d.deliver(letters...)
	d.wantContents(start, letters)
}

// tooLarge refuses a message above the limit and takes one at the limit.
func tooLarge(tr *trial) {
	d := tr.desk()
	limit := d.caps.MaxMessage
	if limit == 0 || limit > 64<<20 {
		tr.Skip("the target has no limit, or one above 64 MB")
	}
	start := d.position()
	at, above := post.Parcel(1, limit), post.Parcel(2, limit+1)
	receipts := d.append(post.Compose(1), above, at)
	if receipts[0].Err != nil || receipts[2].Err != nil {
		tr.Errorf("messages within the limit were not taken: %v, %v", receipts[0].Err, receipts[2].Err)
	}
	tr.WantClass("a message above the limit", receipts[1].Err, failure.TooLarge)
	d.wantContents(start, []post.Letter{post.Compose(1), at})
}

// twoMailboxes are written at the same time, and each holds its own.
func twoMailboxes(tr *trial) {
	d := tr.desk()
	if d.caps.Parallel == 1 {
		tr.Skip("the target works on one mailbox at a time")
	}
	second := *d
	second.account = tr.account(d.target, 1)
	second.mailbox = tr.mailbox(d.target, second.account)
	second.path = tr.folder(d.target, second.mailbox, "Orders")
	tr.sideBySide(d, &second)
}

// twoLanes are two handles on one mailbox, each at work in a folder of its own,
// which lies in one that the other handle made.
func twoLanes(tr *trial) {
	d := tr.desk()
	if d.caps.Lanes < 2 {
		tr.Skip("the target gives one handle on a mailbox at a time")
	}
	second := *d
	second.mailbox = tr.mailbox(d.target, d.account)
	tr.folder(d.target, d.mailbox, "Lanes")
	second.path = tr.folder(d.target, second.mailbox, "Lanes", "Second")
	tr.sideBySide(d, &second)
}

// sideBySide delivers to two desks at the same time.
func (tr *trial) sideBySide(d, second *desk) {
	tr.Helper()
	type outcome struct {
		start   connector.Position
		letters []post.Letter
		err     error
	}
	desks := []*desk{d, second}
	outcomes := make([]outcome, len(desks))
	var group sync.WaitGroup
	for n, each := range desks {
		outcomes[n].start = each.position()
		outcomes[n].letters = post.Many(100*(n+1), 24)
		group.Go(func() { outcomes[n].err = each.quietly(outcomes[n].letters) })
	}
	var listed error
	group.Go(func() {
		for range 10 {
			_, err := check.Collect(d.target.Accounts(d.Ctx))
			listed = errors.Join(listed, err)
			_, _, _ = d.target.FolderName(d.path, 0)
		}
	})
	group.Wait()
	tr.Check("list accounts meanwhile", listed)
	for n, each := range desks {
		tr.Must("append to two mailboxes at once", outcomes[n].err)
		each.wantContents(outcomes[n].start, outcomes[n].letters)
	}
}

// quietly delivers letters in batches of four, without judging through the test,
// because it runs beside it.
func (d *desk) quietly(letters []post.Letter) error {
	size := 4
	if d.caps.BatchMessages > 0 {
		size = min(size, d.caps.BatchMessages)
	}
	for batch := range slices.Chunk(letters, size) {
		at, err := d.mailbox.Position(d.Ctx, d.path)
		if err != nil {
			return err
		}
		receipts, err := d.mailbox.Append(d.Ctx, d.path, at, post.Items(batch))
		if err != nil {
			return err
		}
		for _, r := range receipts {
			if r.Err != nil {
				return r.Err
			}
		}
	}
	return nil
}

// openUnknown opens IDs that no message has.
func openUnknown(tr *trial) {
	d := tr.desk()
	d.deliver(post.Compose(1))
	for _, id := range []string{"999999999", "no-such-message", "", "../../etc/passwd", "0"} {
		stored, body, err := d.mailbox.Open(d.Ctx, d.path, id)
		if err == nil {
			_ = body.Close()
			tr.Errorf("Open of %q finds %+v", id, stored)
			continue
		}
		tr.WantClass(fmt.Sprintf("open %q", id), err, failure.Vanished)
	}
}

// remove takes one message away and leaves its twin.
func remove(tr *trial) {
	d := tr.desk()
	start := d.position()
	letters := []post.Letter{post.Compose(1), post.Compose(2), post.Compose(2)}
	d.deliver(letters...)
	list := d.arrived(start)
	if len(list) != 3 {
		tr.Fatalf("%d messages arrived, want 3", len(list))
	}
	gone := list[2].ID
	tr.Must("remove the last message", d.mailbox.Remove(d.Ctx, d.path, gone))
	_, body, err := d.mailbox.Open(d.Ctx, d.path, gone)
	if err == nil {
		_ = body.Close()
	}
	tr.WantClass("open a removed message", err, failure.Vanished)
	d.wantContents(start, letters[:2])
	if err := d.mailbox.Remove(d.Ctx, d.path, gone); err != nil {
		tr.Class("remove a message twice", err)
	}
	d.deliver(post.Compose(3))
	d.wantContents(start, append(letters[:2:2], post.Compose(3)))
}
