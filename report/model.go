// Package report writes the waybill: what was found in the source, what became
// of every message, and why. It comes as report.json, messages.jsonl and one
// self-contained page, report.html.
package report

import (
	"iter"
	"time"

	"waybill/event"
	"waybill/rights"
)

// Waybill is the account of a migration after a run. Its JSON form is
// report.json; fields are only ever added.
type Waybill struct {
	// Format is the version of this structure: 1.
	Format  int       `json:"format"`
	Program string    `json:"program"` // name and version
	Written time.Time `json:"written"`

	Source System `json:"source"`
	Target System `json:"target"`
	// Level is how far content was compared: "exact bytes" or "canonical content".
	Level string `json:"level"`

	Run    Run   `json:"run"`
	Runs   []Run `json:"runs"` // all runs on this ledger, this one last
	Totals Count `json:"totals"`

	Mailboxes []Mailbox        `json:"mailboxes"`
	Findings  []rights.Finding `json:"findings,omitempty"`
	Notes     map[string]int64 `json:"notes"` // by kind
	Events    []event.Event    `json:"events"`
	// Directory counts what was provisioned.
	Directory Directory `json:"directory"`
	// Curve is the throughput of this run over time.
	Curve []Point `json:"curve,omitempty"`

	// What follows is filled by Write from the stream of messages.

	// Lines counts the lines of messages.jsonl by state.
	Lines map[string]int64 `json:"lines,omitempty"`
	// Rules counts the messages that are neither verified nor skipped by the
	// rule they broke.
	Rules map[string]int64 `json:"rules,omitempty"`
	// Exceptions are the first MaxExceptions of those messages.
	Exceptions []Message `json:"exceptions,omitempty"`
	// MessagesSHA256 is the SHA-256 of messages.jsonl.
	MessagesSHA256 string `json:"messages_sha256,omitempty"`
}

// MaxExceptions bounds Waybill.Exceptions; messages.jsonl has them all.
const MaxExceptions = 1000

// System names one end of the migration.
type System struct {
	System   string `json:"system"`
	Location string `json:"location"`
}

// Run is one start of the program.
type Run struct {
	ID      int64     `json:"id"`
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended,omitzero"`
	Command string    `json:"command"`
	Host    string    `json:"host"`
	Exit    int       `json:"exit"`
	// Seconds is the wall time; LedgerShare the part of it spent waiting for the ledger, 0..1.
	Seconds     float64 `json:"seconds"`
	LedgerShare float64 `json:"ledger_share"`
}

// Count is the arithmetic of the waybill: Found equals the sum of Verified,
// Quarantined, Refused, Skipped and Open.
type Count struct {
	Found       int64 `json:"found"`
	Delivered   int64 `json:"delivered"` // arrived in the target, proven or not
	Verified    int64 `json:"verified"`
	Quarantined int64 `json:"quarantined"`
	Refused     int64 `json:"refused"`
	Skipped     int64 `json:"skipped"`
	// Open is what this run did not settle: 0 in every complete folder.
	Open          int64 `json:"open"`
	Bytes         int64 `json:"bytes"` // of all messages with an outcome
	VerifiedBytes int64 `json:"verified_bytes"`
	// Left, of Verified, left their folder of the source since they were moved,
	// and are in the target all the same. Of these, another folder of the source
	// has Moved, and Kept were to be removed and stay because they were changed in
	// the target. Mirrored, of Skipped, were removed from the target.
	Left     int64 `json:"left,omitempty"`
	Moved    int64 `json:"moved,omitempty"`
	Kept     int64 `json:"kept,omitempty"`
	Mirrored int64 `json:"mirrored,omitempty"`
}

// Balanced reports whether every message found has an outcome.
func (c Count) Balanced() bool {
	return c.Open == 0 && c.Found == c.Verified+c.Quarantined+c.Refused+c.Skipped
}

// Mailbox is one user's line.
type Mailbox struct {
	User    string `json:"user"`
	Kind    string `json:"kind,omitempty"`
	Name    string `json:"name,omitempty"`
	Account string `json:"account"`
	Action  string `json:"action"`
	// State: complete (every message verified), exceptions, incomplete, skipped.
	State   string           `json:"state"`
	Error   string           `json:"error,omitempty"`
	Count   Count            `json:"count"`
	Notes   map[string]int64 `json:"notes,omitempty"`
	Folders []Folder         `json:"folders"`
}

// Folder is one folder's line.
type Folder struct {
	Path     string `json:"path"`
	Target   string `json:"target"`
	Use      string `json:"use,omitempty"`
	Complete bool   `json:"complete"`
	Error    string `json:"error,omitempty"`
	Count    Count  `json:"count"`
}

// Directory counts the people side.
type Directory struct {
	AccountsCreated int `json:"accounts_created"`
	AccountsUsed    int `json:"accounts_used"`
	Contacts        int `json:"contacts"`
	Lists           int `json:"lists"`
	Failed          int `json:"failed"`
}

// Point is one moment of the throughput curve: what was verified from the
// beginning of the run until then.
type Point struct {
	Second   float64 `json:"second"` // since the run began
	Messages int64   `json:"messages"`
	Bytes    int64   `json:"bytes"`
}

// Message is one line of messages.jsonl.
type Message struct {
	User    string `json:"user"`
	Account string `json:"account"`
	Folder  string `json:"folder"`
	Target  string `json:"target_folder"`
	Key     string `json:"key"` // position in the source
	ID      string `json:"id,omitempty"`
	State   string `json:"state"`
	Rule    string `json:"rule,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Class   string `json:"class,omitempty"`
	Size    int64  `json:"size"`
	SHA256  string `json:"sha256,omitempty"`
	// KeptSHA256 is of what the target keeps of the message, where that is not
	// the bytes of the source.
	KeptSHA256 string `json:"kept_sha256,omitempty"`
	Date       string `json:"date,omitempty"` // RFC 3339
	Notes      []Note `json:"notes,omitempty"`
}

// Note is a property that changed on the way.
type Note struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
}

// Messages streams the lines of messages.jsonl.
type Messages = iter.Seq2[Message, error]
