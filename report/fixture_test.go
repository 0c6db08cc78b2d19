package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"time"

	"waybill/event"
	"waybill/rights"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("CET", 3600))

// stream yields messages as a ledger would.
func stream(list []Message) Messages {
	return func(yield func(Message, error) bool) {
		for _, m := range list {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func sha(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func base(id int64) *Waybill {
	run := Run{ID: id, Started: noon, Ended: noon.Add(94 * time.Second), Command: "waybill migrate --from maildir:/srv/mail --to imaps://mail.example.org",
		Host: "mover", Seconds: 94, LedgerShare: 0.04}
	return &Waybill{
		Program: "waybill 0.1.0", Written: noon.Add(95 * time.Second),
		Source: System{"maildir", "maildir:/srv/mail"}, Target: System{"imap", "imaps://mail.example.org"},
		Level: "exact bytes", Run: run, Runs: []Run{run}, Notes: map[string]int64{},
		Events: []event.Event{
			{Code: event.RunStarted, Time: noon, Detail: run.Command},
			{Code: event.PreflightPassed, Time: noon.Add(2 * time.Second), Detail: "two mailboxes at the same time"},
		},
	}
}

func (w *Waybill) addFolder(m *Mailbox, path string, c Count) {
	c.Found = c.Verified + c.Quarantined + c.Refused + c.Skipped + c.Open
	c.Delivered = c.Verified
	c.Bytes = 21_347 * (c.Found - c.Open)
	c.VerifiedBytes = 21_347 * c.Verified
	m.Folders = append(m.Folders, Folder{Path: path, Target: path, Complete: c.Open == 0, Count: c})
	m.Count.add(c)
}

func (w *Waybill) addMailbox(m Mailbox) {
	w.Mailboxes = append(w.Mailboxes, m)
	w.Totals.add(m.Count)
}

// proven is a mailbox with everything verified.
func (w *Waybill) proven(user, name string, inbox int64) {
	m := Mailbox{User: user, Name: name, Account: user, Action: "create", State: Complete}
	w.addFolder(&m, "INBOX", Count{Verified: inbox})
	w.addFolder(&m, "Sent", Count{Verified: inbox / 3})
	w.addFolder(&m, "Projects/Harbour wall", Count{Verified: inbox / 7})
	w.addMailbox(m)
}

func ramp(seconds, messagesPerSecond float64) []Point {
	var points []Point
	total := 0.0
	for s := 1.0; s <= seconds; s++ {
		total += messagesPerSecond * (1 - math.Exp(-s/8)) * (1 + 0.18*math.Sin(s/3) + 0.1*math.Sin(s*1.7))
		points = append(points, Point{Second: s, Messages: int64(total), Bytes: int64(total * 21_347 * (1 + 0.2*math.Sin(s/9)/3))})
	}
	return points
}

// ended gives the run the exit code that goes with its waybill.
func (w *Waybill) ended() {
	w.Run.Exit = w.ExitCode()
	w.Runs[len(w.Runs)-1].Exit = w.Run.Exit
}

// small is a run of 8 users that ended with exceptions.
func small() (*Waybill, []Message) {
	w := base(3)
	for i, name := range []string{"Anna Berg", "Bjørn Dahl", "Çelik Demir", "Dora Eide", "Émile Fabre", "Friedrich Groß"} {
		w.proven([]string{"anna", "bjorn", "celik", "dora", "emile", "friedrich"}[i], name, int64(1200+i*713))
	}
	g := Mailbox{User: "greta", Name: "Greta Holm", Account: "greta.holm", Action: "existing", State: Exceptions, Notes: map[string]int64{"keyword-renamed": 12}}
	w.addFolder(&g, "INBOX", Count{Verified: 4031, Quarantined: 3, Refused: 2})
	w.addFolder(&g, "Archive/2019", Count{Verified: 911, Skipped: 40})
	w.addMailbox(g)
	w.addMailbox(Mailbox{User: "root", Account: "", Action: "skip", State: Skipped})
	w.Notes = map[string]int64{"keyword-renamed": 12, "date-unknown": 3, "folder-renamed": 1}
	w.Directory = Directory{AccountsCreated: 6, AccountsUsed: 1, Contacts: 48, Lists: 5}
	w.Curve = ramp(94, 180)
	w.Findings = []rights.Finding{
		{Action: "append to two mailboxes at the same time", Identity: "mover@example.org", Where: "anna, bjorn", OK: true, Event: "W2001"},
		{Action: "create and remove an account", Identity: "mover@example.org", Where: "imaps://mail.example.org", OK: true, Event: "W2001"},
	}
	var list []Message
	for i := range 5 {
		m := Message{User: "greta", Account: "greta.holm", Folder: "INBOX", Target: "INBOX", Key: fmt.Sprintf("1668%06d.M%dP71.harbour", i*7919, i),
			ID: fmt.Sprintf("<2019-%d@harbour.example>", i), State: "quarantined", Rule: "mime.truncated", Class: "malformed",
			Reason: "the file ends inside the second part of the message, at byte 20,480", Size: 20_480, SHA256: sha(fmt.Sprint(i)), Date: "2019-03-04T05:06:07Z"}
		if i > 2 {
			m.State, m.Rule, m.Class = "refused", "target.refused", "too-large"
			m.Reason, m.Size = "NO [TOOBIG] message exceeds 50 MB", 61_000_000+int64(i)
		}
		list = append(list, m)
		w.Events = append(w.Events, event.Event{Code: event.MessageQuarantined, Time: noon.Add(time.Duration(40+i) * time.Second), User: m.User, Folder: m.Folder, Key: m.Key, Detail: m.Reason})
	}
	w.Events = append(w.Events, event.Event{Code: event.RunFinished, Time: w.Run.Ended, Detail: "exit code 1"})
	w.ended()
	return w, list
}

// whole is a run in which everything was proven.
func whole() (*Waybill, []Message) {
	w := base(1)
	for i := range 5 {
		w.proven(fmt.Sprintf("user%d", i+1), "", int64(210+i*31))
	}
	w.Directory.AccountsCreated = 5
	w.Curve = []Point{{0.5, 400, 8_000_000}, {1, 1100, 25_000_000}, {1.5, 1500, 32_000_000}, {1.9, w.Totals.Verified, w.Totals.VerifiedBytes}}
	w.Run.Seconds, w.Run.Ended = 1.9, noon.Add(1900*time.Millisecond)
	w.Runs[0] = w.Run
	w.ended()
	return w, nil
}

// broken is a run in which mailboxes stayed incomplete, one of them hollow.
func broken() (*Waybill, []Message) {
	w := base(2)
	w.proven("anna", "Anna Berg", 2112)
	for i, reason := range []string{"connection to mail.example.org was lost and 6 tries to renew it failed", ""} {
		m := Mailbox{User: []string{"bjorn", "celik"}[i], Account: "x", Action: "create", State: Incomplete, Error: reason}
		if i == 0 {
			w.addFolder(&m, "INBOX", Count{Verified: 812, Open: 388})
			m.Folders[0].Error = "listing broke off after UID 81822"
		} else {
			w.addFolder(&m, "INBOX", Count{Open: 1714})
		}
		w.addMailbox(m)
	}
	w.Curve = ramp(31, 95)
	w.Directory = Directory{AccountsCreated: 3, Failed: 1}
	w.Runs = append([]Run{{ID: 1, Started: noon.Add(-time.Hour), Command: w.Run.Command, Host: "mover"}}, w.Runs...)
	w.Events = append(w.Events,
		event.Event{Code: event.Retrying, Time: noon.Add(20 * time.Second), User: "bjorn", Detail: "read: connection reset by peer"},
		event.Event{Code: event.MailboxFailed, Time: noon.Add(30 * time.Second), User: "bjorn", Detail: "connection to mail.example.org was lost"},
		event.Event{Code: event.MailboxHollow, Time: noon.Add(31 * time.Second), User: "celik", Detail: "1,714 messages in the source, 0 in the target"})
	w.ended()
	return w, nil
}

// refusal is a run that preflight stopped.
func refusal() (*Waybill, []Message) {
	w := base(1)
	w.Source, w.Target = System{"msmail", "msmail:/srv/postoffice"}, System{"site", "site:harbour.site"}
	w.Run.Exit, w.Run.Seconds, w.Run.Ended = 3, 0.8, noon.Add(800*time.Millisecond)
	w.Runs = []Run{w.Run}
	for _, level := range []string{"organization", "site", "configuration"} {
		w.Findings = append(w.Findings, rights.Finding{Action: "open the mailboxes of other people for writing", Identity: "mover", Where: level,
			Needed: "Permissions Admin", Held: "Service Account Admin", Event: "W2003", Detail: "access is denied",
			Grant: `waybill site grant harbour.site --to mover --role "Permissions Admin" --on ` + level})
	}
	w.Findings = append(w.Findings, rights.Finding{Action: "create an account", Identity: "mover", Where: "site", OK: true, Event: "W2001"})
	w.Events = []event.Event{{Code: event.RunStarted, Time: noon, Detail: w.Run.Command},
		{Code: event.PreflightRefused, Time: noon.Add(700 * time.Millisecond), Detail: "3 rights are missing"}}
	for i := range 4 {
		m := Mailbox{User: fmt.Sprintf("user%d", i), Account: fmt.Sprintf("user%d", i), Action: "create", State: Incomplete}
		w.addFolder(&m, "INBOX", Count{Open: 100})
		w.addMailbox(m)
	}
	w.ended()
	return w, nil
}

// large is a run of many users over hours.
func large(users int) (*Waybill, []Message) {
	w := base(12)
	var list []Message
	for i := range users {
		m := Mailbox{User: fmt.Sprintf("user%05d", i), Name: fmt.Sprintf("Person Number %d", i), Account: fmt.Sprintf("person.%d@example.org", i), Action: "create", State: Complete}
		for f := range 8 {
			c := Count{Verified: int64((i*7919+f*104729)%2400 + 1)}
			if i%97 == 5 && f == 3 {
				m.State, c.Quarantined = Exceptions, 2
				for k := range 2 {
					list = append(list, Message{User: m.User, Account: m.Account, Folder: fmt.Sprintf("Folder %d", f), Target: fmt.Sprintf("Folder %d", f),
						Key: fmt.Sprintf("%d", 4711+k), State: "quarantined", Rule: []string{"mime.truncated", "mbox.separator"}[k],
						Reason: "the message ends before its size", Size: 7000, SHA256: sha(m.User)})
				}
			}
			if i%401 == 7 && f == 7 {
				m.State, m.Error, c.Open = Incomplete, "over quota", 31
			}
			w.addFolder(&m, fmt.Sprintf("Folder %d", f), c)
		}
		w.addMailbox(m)
	}
	w.Curve = ramp(9000, 2000)
	w.Run.Seconds, w.Run.Ended = 9000, noon.Add(9000*time.Second)
	w.Runs[0] = w.Run
	w.Notes = map[string]int64{"keyword-renamed": 120_331, "date-unknown": 71}
	for i := range 700 {
		w.Events = append(w.Events, event.Event{Code: event.MailboxFinished, Time: noon.Add(time.Duration(i) * 12 * time.Second), User: fmt.Sprintf("user%05d", i)})
	}
	w.Events = append(w.Events, event.Event{Code: event.TargetFull, Time: noon.Add(time.Hour), User: "user00007", Detail: "quota of 10 GiB reached"})
	w.ended()
	return w, list
}
