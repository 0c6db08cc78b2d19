// Package event is the catalogue of everything Waybill has to tell an operator:
// each event has a stable id (W1001), a severity, a text, a remedy and a page
// that "waybill explain" prints.
package event

import "time"

// Code is the stable id of an event, W followed by four digits. The thousands
// tell the phase: 1 plan, 2 preflight and rights, 3 provisioning, 4 copying,
// 5 verification, 6 ledger and run, 7 systems and files, 8 user map and plan file.
type Code string

// Severity orders events; it never decides an exit code.
type Severity uint8

// The severities.
const (
	Info Severity = iota
	Notice
	Warning
	Error
)

var severityNames = [...]string{"info", "notice", "warning", "error"}

func (s Severity) String() string {
	if int(s) < len(severityNames) {
		return severityNames[s]
	}
	return "error"
}

// Event is one thing that happened in a run.
type Event struct {
	Code Code      `json:"id"`
	Time time.Time `json:"time"`
	// User, Folder and Key say where, as far as it concerns one user, folder or message.
	User   string `json:"user,omitempty"`
	Folder string `json:"folder,omitempty"`
	Key    string `json:"key,omitempty"`
	// Detail is the particular text: names, numbers, the words of the other side.
	Detail string `json:"detail,omitempty"`
	// Severity and Text are filled from the catalogue when the event is written.
	Severity string `json:"severity,omitempty"`
	Text     string `json:"text,omitempty"`
	Remedy   string `json:"remedy,omitempty"`
}

// The events. What each means, and what to do, is in the catalogue.
const (
	PlanMade            Code = "W1001" // plan made: users, folders, messages, bytes
	UserListEmpty       Code = "W1002" // no user of the source matches: nothing to do is an error
	MatchConflict       Code = "W1003" // account exists in the target and nothing says that it is this user's
	AccountTaken        Code = "W1004" // two users of the source lead to the same account
	FolderRenamed       Code = "W1005" // folder will be called otherwise in the target
	FolderUnreadable    Code = "W1006" // folder cannot be read; mailbox will be incomplete
	MailboxUnreadable   Code = "W1007" // mailbox cannot be opened in the source
	NotCarried          Code = "W1008" // a property that the target cannot hold (counted per kind)
	MailboxEmpty        Code = "W1009" // mailbox has no message in the source
	UserSkipped         Code = "W1010" // user left out by the plan or the user map
	PreflightPassed     Code = "W2001"
	PreflightRefused    Code = "W2002" // rights are not sufficient; nothing was changed  (7044)
	RightMissing        Code = "W2003" // one missing right, with the command that grants it (7044, 181)
	CanaryDiffers       Code = "W2004" // canary read back differently: flags, date, keyword, bytes
	CanaryLeft          Code = "W2005" // canary could not be removed
	ProbeUnavailable    Code = "W2006" // preflight cannot be done on this target without leaving a trace
	LogonFailed         Code = "W2007" // cannot log on to the mailbox (7026, 7017, 147)
	SameMailbox         Code = "W2008" // two logons reach one mailbox
	SourceDenied        Code = "W2009" // source does not let a mailbox or folder be read
	NoRoom              Code = "W2010" // quota of a mailbox is smaller than what is to come
	MessagesTooLarge    Code = "W2011" // messages that the target will refuse for their size
	RightGranted        Code = "W2012" // right given for the time of the run
	RightWithdrawn      Code = "W2013"
	GrantLeft           Code = "W2014" // right could not be taken back
	MailboxesTried      Code = "W2015" // how far a long preflight is
	AccountCreated      Code = "W3001"
	AccountExists       Code = "W3002" // account was made by an earlier run of this ledger
	AccountFailed       Code = "W3003" // account could not be made (8149, 162)
	ContactFailed       Code = "W3004"
	ListFailed          Code = "W3005"
	ListMemberUnknown   Code = "W3006" // member of a list that nothing resolves (Q165319)
	DirectoryNotCarried Code = "W3007" // target holds no contacts or lists
	ProvisionCommandRan Code = "W3008" // operator's command for an account ran, with what it printed
	DirectoryNoted      Code = "W3009" // what the operator should know of an entry in the directory
	MailboxStarted      Code = "W4001"
	MailboxFinished     Code = "W4002"
	MailboxFailed       Code = "W4003" // mailbox stopped; others go on
	OutcomeResolved     Code = "W4004" // outcome of an interrupted batch was found by looking
	MessageQuarantined  Code = "W4005" // message set aside, with rule and place
	MessageRefused      Code = "W4006" // target refused the message, with its words
	MessageVanished     Code = "W4007" // message listed and then gone
	SourceChanged       Code = "W4008" // source changed while it was being read
	Retrying            Code = "W4009"
	Throttled           Code = "W4010" // target asked to wait; waiting is no failure
	TargetFull          Code = "W4011" // no space left in the target
	FolderFailed        Code = "W4012" // folder could not be listed to its end
	FlagsMerged         Code = "W4013" // flags changed in the source were carried over
	FlagsKept           Code = "W4014" // flags changed on both sides: the target's stay
	SourceLeft          Code = "W4015" // messages left the source after they were moved; they stay in the target
	MirrorRemoved       Code = "W4016" // messages that left the source were removed from the target
	MirrorKept          Code = "W4017" // messages that left the source stay, because their owner changed them in the target
	MirrorRefused       Code = "W4018" // deletions look like a fault and were not repeated in the target
	MessageVerified     Code = "W5001" // (debug) message proven
	VerifyMismatch      Code = "W5002" // message read back differs
	VerifyMissing       Code = "W5003" // message is not in the target any more
	MailboxHollow       Code = "W5004" // mail in the source and none in the target (7044)
	ArithmeticBroken    Code = "W5005" // found is not verified+quarantined+refused+skipped
	VerifyPassed        Code = "W5006"
	RunStarted          Code = "W6001"
	RunFinished         Code = "W6002"
	RunCancelled        Code = "W6003"
	LedgerHeld          Code = "W6004" // another process holds the ledger
	LedgerOtherPair     Code = "W6005" // ledger belongs to another source or target
	LedgerBroken        Code = "W6006"
	RunResumed          Code = "W6007" // an earlier run did not end; going on where it stopped
	ClockJumped         Code = "W6008" // clock went back or leapt
	ReportWritten       Code = "W6009"
	DiskFull            Code = "W6010"
	CutoverQuiet        Code = "W6011" // nothing arrived in the source since the last delta
	CutoverLate         Code = "W6012" // mail arrived in the source after the last delta
	SourceMissing       Code = "W7001" // file or directory of a system is not there
	SourceDamaged       Code = "W7002" // file breaks a rule of its format (8059, 8005, 8094)
	SystemUnknown       Code = "W7003"
	SystemLocked        Code = "W7004" // system is locked by somebody else
	MapUnreadable       Code = "W8001" // user map cannot be read (columns, quoting, encoding)
	MapUserUnknown      Code = "W8002" // user map names a user that the source does not have (7034)
	MapDuplicate        Code = "W8003" // user map names a user twice
	PlanUnreadable      Code = "W8004" // plan file cannot be read
	PlanStale           Code = "W8005" // plan file no longer fits the source or target
)

// Sink takes events as they happen. It is safe for concurrent use and does not block for long.
type Sink interface {
	Emit(e Event)
}

// Discard is a Sink that keeps nothing.
var Discard Sink = discard{}

type discard struct{}

func (discard) Emit(Event) {}
