// Package fake is a mail system in memory, both Source and Target, that does
// what a test tells it to: it fails on the n-th call, before the effect or after
// it, stores half a batch, denies the second mailbox, lies about dates and
// keywords, or loses messages between listing and reading. It is the reference
// implementation of the conformance suite and the engine's opponent in tests.
package fake

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"waybill/connector"
	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
	"waybill/rights"
)

// Second says what becomes of an operator who has a second mailbox open for
// writing, the failure of KB Q255888.
type Second uint8

// Behaviours for the second mailbox that is open at the same time.
const (
	SecondAllowed  Second = iota
	SecondNotOpen         // Target.Mailbox is denied
	SecondNoAppend        // the mailbox opens, and every Append to it is denied
)

// Options change what a System can hold, and where it lies about that.
type Options struct {
	// Capabilities replace the default ones, which hold everything.
	Capabilities *connector.Capabilities
	// Second is what happens to the second mailbox opened at the same time.
	Second Second
	// DropDates and DropKeywords make a target that promises dates or keywords
	// in its Capabilities and silently loses them.
	DropDates, DropKeywords bool
	// IgnoreCase makes folder names that differ in case alone name one folder.
	IgnoreCase bool
	// Silent makes Append return receipts without IDs, as a server without
	// UIDPLUS does (RFC 4315).
	Silent bool
	// Pause, when set, is called before every Read of a message's bytes; each
	// Read then gives at most 4096 bytes. It makes a slow source or target.
	Pause func(ctx context.Context) error
	// Findings are what Probe returns.
	Findings []rights.Finding
	// Lands says whose mailbox a logon reaches instead of the account's own.
	Lands map[string]string
	// Identity, when set, makes mailboxes tell which one they are.
	Identity func(user string) string
	// Rooms, when set, makes mailboxes of the target tell their room: that of the
	// account, or of "". Larger makes those of the source count large messages.
	Rooms  map[string]connector.Room
	Larger bool
	// NeedsGrant makes a target on which whoever runs may make a mailbox and not
	// put anything into it, and may give itself the right to.
	NeedsGrant bool
	// HideAccounts makes a target that lists no account and can look for one.
	HideAccounts bool
}

// System is one mail system. All methods are safe for concurrent use.
type System struct {
	options Options
	caps    connector.Capabilities

	mu       sync.Mutex
	accounts map[string]*account
	book     directory.Book
	faults   []*Fault
	log      []Call
	writing  []*targetMailbox
	acl      map[string]string // by object: the operator's rights
	validity uint32
}

type account struct {
	user    directory.User
	err     error
	folders []*folder
}

type folder struct {
	mail.Folder
	err      error
	validity uint32
	next     uint32
	modseq   uint64
	messages []*message
}

// message is one message; its body is never changed once it is here.
type message struct {
	Message
	uid uint32
}

// Message is a message that a test puts into a System.
type Message struct {
	Body []byte
	// Stream, when set, gives a body of Size bytes instead of Body, from the
	// start each time; so that a test of a large message needs no memory.
	Stream func() io.Reader
	Size   int64
	// HideSize makes the listing say that the size is not known.
	HideSize bool
	Date     time.Time
	Flags    mail.FlagSet
	Labels   []string
	Notes    []mail.Note
	Trouble  Trouble
	// Err is given with the message's key in the listing.
	Err error
}

// Trouble is what happens when a message of the source is opened.
type Trouble uint8

// Troubles of a source message.
const (
	NoTrouble  Trouble = iota
	Vanishes           // listed, and gone when it is opened
	Changes            // changes while it is read: Transient after half of it
	Unreadable         // breaks a rule of its format after half of it
)

// New makes an empty system.
func New(o Options) *System {
	s := &System{options: o, accounts: map[string]*account{}, acl: map[string]string{}, validity: 1}
	s.caps = connector.Capabilities{
		System: "fake", Location: "fake:memory", Fidelity: connector.Exact,
		Flags:    mail.Seen | mail.Answered | mail.Flagged | mail.Deleted | mail.Draft | mail.Forwarded,
		Keywords: true, DatePrecision: time.Second,
		Subscriptions: true, SpecialUse: true, EmptyFolders: true,
		CreateAccounts: true, DeleteAccounts: true, Contacts: true, Lists: true, Lanes: 2,
	}
	if o.Capabilities != nil {
		s.caps = *o.Capabilities
	}
	return s
}

// Source is the system seen by a reader. Every call returns a new session.
func (s *System) Source() connector.Source { return &source{s} }

// Target is the system seen by a writer. Every call returns a new session.
func (s *System) Target() connector.Target {
	t := &target{s}
	switch {
	case s.options.NeedsGrant:
		return granter{t}
	case s.options.HideAccounts:
		return finder{t}
	}
	return t
}

// AddUser adds an account with an INBOX, or replaces what is known of it.
func (s *System) AddUser(u directory.User) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a := s.accounts[u.ID]; a != nil {
		a.user = u
		return
	}
	s.accounts[u.ID] = &account{user: u}
	s.ensure(s.accounts[u.ID], mail.Folder{Path: mail.Inbox, Use: mail.UseInbox, Subscribed: true})
}

// FailUser makes the listing of users give err for the user with that ID, and
// opening the mailbox fail with it.
func (s *System) FailUser(id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accounts[id] == nil {
		s.accounts[id] = &account{user: directory.User{ID: id}}
	}
	s.accounts[id].err = err
}

// AddFolder adds a folder and its missing parents; unknown users are added.
func (s *System) AddFolder(user string, f mail.Folder) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ensure(s.needAccount(user), f)
}

// FailFolder makes the listing of a folder's messages end with err.
func (s *System) FailFolder(user string, path mail.Path, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ensure(s.needAccount(user), mail.Folder{Path: path}).err = err
}

// AddMessage puts a message into a folder, which is made if it is not there,
// and returns its key.
func (s *System) AddMessage(user string, path mail.Path, m Message) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ensure(s.needAccount(user), mail.Folder{Path: path}).add(m).key()
}

// Vanish takes a message away.
func (s *System) Vanish(user string, path mail.Path, key string) {
	s.edit(user, path, func(f *folder) {
		f.messages = slices.DeleteFunc(f.messages, func(m *message) bool { return m.key() == key })
	})
}

// Mark replaces the flags of a message.
func (s *System) Mark(user string, path mail.Path, key string, flags mail.FlagSet) {
	s.edit(user, path, func(f *folder) {
		if i := f.index(key); i >= 0 {
			changed := *f.messages[i]
			changed.Flags = flags
			f.messages[i] = &changed
		}
	})
}

// Rebuild gives a folder a new UIDVALIDITY, so that positions taken before no
// longer mean anything.
func (s *System) Rebuild(user string, path mail.Path) {
	s.edit(user, path, func(f *folder) { s.validity++; f.validity = s.validity })
}

// SetBook replaces the directory's contacts and lists.
func (s *System) SetBook(b directory.Book) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.book = b
}

// Messages returns what a folder holds, in order of arrival; nil when there is
// no such folder.
func (s *System) Messages(user string, path mail.Path) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := s.find("", user, path)
	if err != nil {
		return nil
	}
	list := make([]Message, len(f.messages))
	for i, m := range f.messages {
		list[i] = m.Message
	}
	return list
}

// Crash forgets which mailboxes are open, as if the process that had them open
// had been killed.
func (s *System) Crash() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing = nil
}

func (s *System) edit(user string, path mail.Path, change func(*folder)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, err := s.find("", user, path); err == nil {
		f.modseq++
		change(f)
	}
}

// needAccount and all that follow are called with the lock held.
func (s *System) needAccount(user string) *account {
	if s.accounts[user] == nil {
		s.accounts[user] = &account{user: directory.User{ID: user}}
		s.ensure(s.accounts[user], mail.Folder{Path: mail.Inbox, Use: mail.UseInbox, Subscribed: true})
	}
	return s.accounts[user]
}

func (s *System) ensure(a *account, f mail.Folder) *folder {
	if i := s.folderIndex(a, f.Path); i >= 0 {
		return a.folders[i]
	}
	if parent := f.Path.Parent(); parent != "" {
		s.ensure(a, mail.Folder{Path: parent})
	}
	s.validity++
	made := &folder{Folder: f, validity: s.validity, next: 1}
	a.folders = append(a.folders, made)
	return made
}

func (s *System) folderIndex(a *account, path mail.Path) int {
	return slices.IndexFunc(a.folders, func(f *folder) bool {
		return f.Path == path || s.options.IgnoreCase && strings.EqualFold(string(f.Path), string(path))
	})
}

func (s *System) find(op, user string, path mail.Path) (*folder, error) {
	a := s.accounts[user]
	if a == nil {
		return nil, failure.New(failure.Vanished, op, user, "fake.no-account", nil)
	}
	if i := s.folderIndex(a, path); i >= 0 {
		return a.folders[i], nil
	}
	return nil, failure.New(failure.Vanished, op, user+" "+string(path), "fake.no-folder", nil)
}

func (f *folder) add(m Message) *message {
	f.modseq++
	made := &message{Message: m, uid: f.next}
	f.next++
	f.messages = append(f.messages, made)
	return made
}

func (f *folder) index(key string) int {
	return slices.IndexFunc(f.messages, func(m *message) bool { return m.key() == key })
}

func (f *folder) state() string {
	return fmt.Sprintf("%d/%d/%d/%d", f.validity, f.next, f.modseq, len(f.messages))
}

func (m *message) key() string { return fmt.Sprint(m.uid) }

func (m *message) size() int64 {
	if m.Stream != nil {
		return m.Size
	}
	return int64(len(m.Body))
}
