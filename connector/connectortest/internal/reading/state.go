package reading

import (
	"context"
	"io"
	"slices"
	"sync"

	"waybill/connector"
	"waybill/connector/connectortest/internal/check"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
)

func sourceCensus(r *reading) {
	r.eachFolder(func(user string, mailbox connector.SourceMailbox, path mail.Path, messages []mail.Message) {
		exact, err := mailbox.Census(r.Ctx, path, true)
		r.Must("count messages exactly", err)
		listed, _ := collectAll(r.Ctx, mailbox, path)
		if exact.Messages != int64(listed) {
			r.Errorf("%s %s: exact census counts %d messages, and %d are listed", user, path, exact.Messages, listed)
		}
		var bytes int64
		for _, m := range messages {
			if m.Size < 0 {
				bytes = -1
				break
			}
			bytes += m.Size
		}
		slack := bytes/4 + 512*int64(len(messages)+1)
		if bytes >= 0 && exact.Bytes >= 0 && (exact.Bytes > bytes+slack || exact.Bytes < bytes-slack) {
			r.Errorf("%s %s: exact census counts %d bytes, and %d are listed", user, path, exact.Bytes, bytes)
		}
		quick, err := mailbox.Census(r.Ctx, path, false)
		r.Must("count messages", err)
		if quick.Messages < -1 || quick.Bytes < -1 {
			r.Errorf("%s %s: census counts %d messages and %d bytes", user, path, quick.Messages, quick.Bytes)
		}
		if quick.State != "" && exact.State != "" && quick.State != exact.State {
			r.Errorf("%s %s: census has state %q and then %q, and nothing changed", user, path, quick.State, exact.State)
		}
	})
}

// collectAll counts the messages of a folder, those with errors of their own
// included.
func collectAll(ctx context.Context, mailbox connector.SourceMailbox, path mail.Path) (n int, err error) {
	for m, err := range mailbox.Messages(ctx, path) {
		if err != nil && m.Key == "" {
			return n, err
		}
		n++
	}
	return n, nil
}

// sourceState changes a folder and wants another state, or none.
func sourceState(r *reading) {
	if r.cfg.Change == nil {
		r.Skip("the source cannot be changed by the test")
	}
	states := func() map[string]string {
		all := map[string]string{}
		r.eachFolder(func(user string, mailbox connector.SourceMailbox, path mail.Path, _ []mail.Message) {
			c, err := mailbox.Census(r.Ctx, path, false)
			r.Must("count messages", err)
			all[user+" "+string(path)] = c.State
		})
		return all
	}
	type place struct {
		user string
		path mail.Path
	}
	var places []place
	r.eachFolder(func(user string, _ connector.SourceMailbox, path mail.Path, messages []mail.Message) {
		if len(messages) > 0 && len(places) < 4 {
			places = append(places, place{user, path})
		}
	})
	for _, p := range places {
		r.reopen()
		before := states()
		r.CloseOnce("close the source", r.source)
		r.cfg.Change(r.T, p.user, p.path)
		r.reopen()
		name := p.user + " " + string(p.path)
		if after := states()[name]; after != "" && after == before[name] {
			r.Errorf("%s was changed, and its state is still %q", name, after)
		}
	}
}

func sourceCancel(r *reading) {
	ended, cancel := context.WithCancel(r.Ctx)
	cancel()
	_, err := check.Collect(r.source.Users(ended))
	r.WantClass("Users with a cancelled context", err, failure.Cancelled)
	_, err = r.source.Book(ended)
	r.WantClass("Book with a cancelled context", err, failure.Cancelled)
	mailbox, err := r.source.Mailbox(ended, r.users[0].ID)
	if err == nil {
		_ = mailbox.Close()
	}
	r.WantClass("Mailbox with a cancelled context", err, failure.Cancelled)
	r.eachFolder(func(_ string, mailbox connector.SourceMailbox, path mail.Path, messages []mail.Message) {
		_, err := mailbox.Folders(ended)
		r.WantClass("Folders with a cancelled context", err, failure.Cancelled)
		_, err = mailbox.Census(ended, path, true)
		r.WantClass("Census with a cancelled context", err, failure.Cancelled)
		_, err = check.Collect(mailbox.Messages(ended, path))
		r.WantClass("Messages with a cancelled context", err, failure.Cancelled)
		if len(messages) > 0 {
			body, err := mailbox.Open(ended, path, messages[0])
			if err == nil {
				_ = body.Close()
			}
			r.WantClass("Open with a cancelled context", err, failure.Cancelled)
		}
		if len(messages) < 3 {
			return
		}
		ctx, cancel := context.WithCancel(r.Ctx)
		defer cancel()
		var last error
		for _, err := range mailbox.Messages(ctx, path) {
			cancel()
			last = err
		}
		r.WantClass("Messages after its context ended", last, failure.Cancelled)
	})
	r.cancelReading()
}

// cancelReading ends the context in the middle of a message: its reader fails,
// or gives the message to its end; it does not pretend that the end has come.
func (r *reading) cancelReading() {
	r.eachFolder(func(user string, mailbox connector.SourceMailbox, path mail.Path, messages []mail.Message) {
		for _, m := range messages[:min(len(messages), 20)] {
			_, whole, err := r.contents(mailbox, path, m)
			if err != nil || whole < 2 {
				continue
			}
			ctx, cancel := context.WithCancel(r.Ctx)
			body, err := mailbox.Open(ctx, path, m)
			if err != nil {
				cancel()
				r.Check("open a message", err)
				continue
			}
			first := make([]byte, 1)
			_, err = io.ReadFull(body, first)
			r.Check("read the first byte", err)
			cancel()
			n, err := io.Copy(io.Discard, body)
			_ = body.Close()
			if err != nil {
				r.WantClass("read after the context ended", err, failure.Cancelled)
			} else if n+1 != whole {
				r.Errorf("%s %s: message %q ends after %d of %d bytes without an error when its context ends", user, path, m.Key, n+1, whole)
			}
		}
	})
}

// sourceBreak stops listing early, and opens messages while listing.
func sourceBreak(r *reading) {
	for _, err := range r.source.Users(r.Ctx) {
		if err != nil {
			r.Class("list users", err)
		}
		break
	}
	r.eachFolder(func(user string, mailbox connector.SourceMailbox, path mail.Path, messages []mail.Message) {
		for _, err := range mailbox.Messages(r.Ctx, path) {
			if err != nil {
				r.Class("list messages", err)
			}
			break
		}
		n := 0
		for m, err := range mailbox.Messages(r.Ctx, path) {
			if n++; n > 50 || err != nil {
				continue
			}
			during, _, err := r.contents(mailbox, path, m)
			after, _, again := r.contents(mailbox, path, m)
			if (err == nil) != (again == nil) || during != after {
				r.Errorf("%s %s: message %q reads differently during the listing (errors %v, %v)", user, path, m.Key, err, again)
			}
		}
	})
}

// sourceConcurrent reads all mailboxes at once, and the messages of each from
// two goroutines.
func sourceConcurrent(r *reading) {
	if r.source.Capabilities().Parallel == 1 {
		r.Skip("the source works on one mailbox at a time")
	}
	serial := r.everything(r.users)
	parallel := make([][]mail.Digest, len(r.users))
	var group sync.WaitGroup
	for i, u := range r.users[:min(len(r.users), 8)] {
		group.Go(func() { parallel[i] = r.everything([]directory.User{u}) })
	}
	group.Wait()
	if len(r.users) <= 8 && !slices.Equal(serial, slices.Concat(parallel...)) {
		r.Errorf("mailboxes read at the same time differ from those read one after the other")
	}
}

// everything digests up to 50 messages of each folder of some users, opening
// each message twice at the same time. What cannot be read is a zero digest.
func (r *reading) everything(users []directory.User) []mail.Digest {
	var all []mail.Digest
	for _, u := range users {
		mailbox, err := r.source.Mailbox(r.Ctx, u.ID)
		if err != nil {
			continue
		}
		folders, _ := mailbox.Folders(r.Ctx)
		for _, f := range folders {
			messages, _ := check.Collect(mailbox.Messages(r.Ctx, f.Path))
			for _, m := range messages[:min(len(messages), 50)] {
				var digests [2]mail.Digest
				var group sync.WaitGroup
				for i := range digests {
					group.Go(func() { digests[i], _, _ = r.contents(mailbox, f.Path, m) })
				}
				group.Wait()
				all = append(all, digests[:]...)
			}
		}
		_ = mailbox.Close()
	}
	return all
}

// sourceUntouched reads everything and finds names, sizes, times and contents of
// the files as they were.
func sourceUntouched(r *reading) {
	if r.cfg.Dir == "" {
		r.Skip("the source is not in a directory")
	}
	r.CloseOnce("close the source", r.source)
	before, err := check.TakeSnapshot(r.cfg.Dir)
	if err != nil {
		r.Fatal(err)
	}
	r.reopen()
	_, err = r.source.Book(r.Ctx)
	r.Check("read the book", err)
	sourceCensus(r)
	sourceContent(r)
	r.compare(before, "while it is open")
	r.CloseOnce("close the source", r.source)
	r.compare(before, "after reading")
}

func (r *reading) compare(before *check.Snapshot, when string) {
	r.Helper()
	now, err := check.TakeSnapshot(r.cfg.Dir)
	if err != nil {
		r.Fatal(err)
	}
	for i, d := range before.Differences(now) {
		if i < 10 {
			r.Errorf("the source was written to: %s %s", d, when)
		}
	}
}
