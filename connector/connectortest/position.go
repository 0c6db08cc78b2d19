package connectortest

import (
	"slices"

	"waybill/connector"
	"waybill/connector/connectortest/internal/check"
	"waybill/connector/connectortest/internal/post"
)

func positionCases() []testCase {
	return []testCase{
		{"position/fresh", freshPosition},
		{"position/batches", batches},
		{"position/reopened", reopenedPosition},
		{"position/other-folders", otherFolders},
		{"position/foreign", foreignPosition},
		{"position/break", breakOff},
	}
}

// freshPosition has nothing after it.
func freshPosition(tr *trial) {
	d := tr.desk()
	for n := range 3 {
		at := d.position()
		if list := d.arrived(at); len(list) != 0 {
			tr.Errorf("%d messages are after a fresh position", len(list))
		}
		if again := d.position(); len(d.arrived(again)) != 0 {
			tr.Errorf("messages are after a position that was taken again")
		}
		d.deliver(post.Many(10*n, 2)...)
	}
}

// batches takes a position before each of several batches: each yields what came
// later, and no more.
func batches(tr *trial) {
	d := tr.desk()
	var letters []post.Letter
	var starts []connector.Position
	var counts []int
	for n := range 4 {
		starts, counts = append(starts, d.position()), append(counts, len(letters))
		some := post.Many(10*n, n+1)
		d.deliver(some...)
		letters = append(letters, some...)
	}
	for n, at := range starts {
		d.wantContents(at, letters[counts[n]:])
		d.wantContents(at, letters[counts[n]:])
	}
}

// reopenedPosition survives the session in which it was taken.
func reopenedPosition(tr *trial) {
	d := tr.desk()
	d.deliver(post.Compose(1))
	at := d.position()
	d.deliver(post.Compose(2))
	d.reopen()
	d.wantContents(at, []post.Letter{post.Compose(2)})
	d.deliver(post.Compose(3))
	d.wantContents(at, []post.Letter{post.Compose(2), post.Compose(3)})
}

// otherFolders do not disturb a position, neither by being made nor by what they hold.
func otherFolders(tr *trial) {
	d := tr.desk()
	d.deliver(post.Compose(1))
	start := d.position()
	shelf := *d
	shelf.path = tr.folder(d.target, d.mailbox, "Orders", "2003")
	below := shelf.position()
	shelf.deliver(post.Many(50, 3)...)
	if list := d.arrived(start); len(list) != 0 {
		tr.Errorf("%d messages of another folder are after the position", len(list))
	}
	d.deliver(post.Compose(2))
	shelf.wantContents(below, post.Many(50, 3))
	d.wantContents(start, []post.Letter{post.Compose(2)})
}

// foreignPosition is none that the target made: an error, and no guess.
func foreignPosition(tr *trial) {
	d := tr.desk()
	d.deliver(post.Compose(1))
	for _, at := range []connector.Position{"", "garbage", "-1", "\x00", "99999999999999999999/99999999999999999999"} {
		list, err := check.Collect(d.mailbox.Arrived(d.Ctx, d.path, at))
		if err == nil {
			tr.Errorf("Arrived takes the position %q and yields %d messages", at, len(list))
		} else {
			tr.Class("look for arrivals since a foreign position", err)
		}
	}
}

// breakOff stops listening early, which must not block or disturb later calls.
func breakOff(tr *trial) {
	d := tr.desk()
	start := d.position()
	letters := post.Many(0, 5)
	d.deliver(letters...)
	for range 3 {
		for _, err := range d.mailbox.Arrived(d.Ctx, d.path, start) {
			tr.Must("look for arrivals", err)
			break
		}
	}
	for _, err := range d.target.Accounts(d.Ctx) {
		tr.Must("list accounts", err)
		break
	}
	// Messages may be opened while the listing goes on.
	n := 0
	for s, err := range d.mailbox.Arrived(d.Ctx, d.path, start) {
		tr.Must("look for arrivals", err)
		if _, digest := d.read(s.ID); n < len(letters) && digest != d.digest(letters[n]) {
			tr.Errorf("message %d differs when it is opened during the listing", n+1)
		}
		n++
	}
	if n != len(letters) {
		tr.Errorf("%d messages arrived, want %d", n, len(letters))
	}
	d.deliver(post.Compose(9))
	d.wantContents(start, slices.Concat(letters, []post.Letter{post.Compose(9)}))
}
