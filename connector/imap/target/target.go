// Package target fills the mailboxes of an IMAP server, and reads back what it
// delivered.
package target

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"waybill/connector"
	"waybill/connector/imap/canon"
	"waybill/connector/imap/names"
	"waybill/connector/imap/server"
	"waybill/directory"
	"waybill/failure"
	"waybill/imap"
	"waybill/mail"
)

// The batch that suits most servers: large enough that the answer's way does
// not count, small enough that little is unknown when a connection is lost.
const (
	batchMessages = 100
	batchBytes    = 4 << 20
	// settle is how long a server may still be at work on an APPEND after the
	// connection is gone.
	settle = 2 * time.Second
	// lanes is how many folders of one mailbox are filled at the same time. A third
	// one waits for the same locks of the mailbox.
	lanes = 2
)

// everyFlag are the flags that IMAP has; $Forwarded is a keyword there.
const everyFlag = mail.Seen | mail.Answered | mail.Flagged | mail.Deleted | mail.Draft | mail.Forwarded

// target fills the mailboxes of an IMAP server.
type target struct {
	server  *server.Server
	loc     connector.Location
	options server.Options
	rules   canon.Rules
	digests *canon.Pool
	parcels *parcelPool

	// single says that MULTIAPPEND was offered and did not work.
	single atomic.Bool

	mu     sync.Mutex
	layout layout
}

// layout is what has to be known of a server before the first mailbox is open.
type layout struct {
	known bool
	rules names.Rules
	limit int64 // APPENDLIMIT; 0: not told
}

var (
	_ connector.Target        = (*target)(nil)
	_ connector.Digester      = (*target)(nil)
	_ connector.AccountFinder = (*target)(nil)
	_ connector.Granter       = (*target)(nil)
)

// Open opens an IMAP server for writing. It connects once; where the mailboxes
// of different users are logged on to with passwords of their own, wrong ones are
// found when a mailbox is opened.
func Open(ctx context.Context, loc connector.Location, o server.Options) (connector.Target, error) {
	s, err := server.Connect(ctx, loc, o, server.TargetSide)
	if err != nil {
		return nil, err
	}
	t := &target{server: s, loc: loc, options: o, rules: canon.For(s.Flavour(), o.Repair), parcels: newParcelPool()}
	t.digests = canon.NewPool(t.rules)
	if err := t.explore(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	if s.Auth() == server.ACLAdmin && o.SharedSeen && o.Warn != nil {
		o.Warn("sharedseen is set, for good, on every folder that is filled on " + s.Location() + ": all who may read a folder share what was read")
	}
	return t, nil
}

// explore learns how names are built, in the first mailbox that lets itself be
// opened. That none does is no error here: it is one for whoever opens it.
func (t *target) explore(ctx context.Context) error {
	var x *server.Session
	var err error
	if t.server.Auth() == server.ACLAdmin {
		x, err = t.server.Admin(ctx)
	} else {
		var users []string
		if users, err = t.server.Users(ctx); err == nil && len(users) > 0 {
			x, err = t.server.Session(ctx, users[0])
		}
	}
	if err != nil || x == nil {
		if failure.ClassOf(err) == failure.Cancelled {
			return err
		}
		return nil
	}
	defer x.Release()
	if t.server.Auth() == server.ACLAdmin {
		// Every account has its own prefix; this one stands for all.
		rules := names.For(t.server.Flavour(), x.Delimiter, "user"+x.Delimiter+"name", t.server.Facts().Reserved...)
		t.remember(x, rules)
		return nil
	}
	_, err = t.learn(ctx, x)
	return err
}

// learn asks a session how the names of its folders are built.
func (t *target) learn(ctx context.Context, x *server.Session) (server.Spelling, error) {
	sp, err := server.SpellingOf(ctx, t.server, x)
	if err != nil {
		return sp, err
	}
	t.remember(x, sp.Rules)
	return sp, nil
}

// remember keeps what the first session told.
func (t *target) remember(x *server.Session, rules names.Rules) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.layout.known {
		return
	}
	t.layout = layout{known: true, rules: rules}
	if limit, ok := x.AppendLimit(); ok {
		t.layout.limit = limit
	}
}

func (t *target) known() layout {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.layout.known {
		return layout{rules: names.For(t.server.Flavour(), "/", "", t.server.Facts().Reserved...)}
	}
	return t.layout
}

func (t *target) Capabilities() connector.Capabilities {
	c := connector.Capabilities{
		System: "imap", Location: t.server.Location(), Fidelity: connector.Canonical,
		Flags: t.kept(), Keywords: true, DatePrecision: time.Second,
		Subscriptions: true, SpecialUse: t.server.Has("CREATE-SPECIAL-USE"), EmptyFolders: true,
		MaxMessage:    t.limit(),
		BatchMessages: batchMessages, BatchBytes: batchBytes, Settle: settle, Lanes: lanes,
	}
	if t.kept()&mail.Seen == 0 {
		c.WhyFlags = "Cyrus keeps it for each user apart, and the owner finds all unread that an administrator delivers; log on with auth=proxy, or set --shared-seen"
	}
	c.EarliestDate, c.LatestDate = dateBounds(t.server.Flavour(), time.Now())
	if t.server.Auth() == server.ACLAdmin {
		c.CreateAccounts, c.DeleteAccounts = true, true
	}
	return c
}

// kept are the flags that the owner will find. Whoever is not the owner sets and
// sees his own \Seen, unless it is shared.
func (t *target) kept() mail.Flags {
	if t.server.Auth() == server.ACLAdmin && !t.options.SharedSeen {
		return everyFlag &^ mail.Seen
	}
	return everyFlag
}

// dovecotFuture is how far in the future Dovecot takes a date (two hours), less a
// little for clocks that differ.
const dovecotFuture = 2*time.Hour - 5*time.Minute

// dateBounds are the internal dates that a server keeps. Cyrus keeps 32 bits
// without a sign, and takes zero for none; Dovecot makes a date in the future the
// present one. Neither keeps one before 1970.
func dateBounds(flavour string, now time.Time) (earliest, latest time.Time) {
	switch flavour {
	case "cyrus":
		return time.Unix(1, 0).UTC(), time.Unix(1<<32-1, 0).UTC()
	case "dovecot":
		return time.Unix(0, 0).UTC(), now.Add(dovecotFuture).UTC()
	default:
		return time.Unix(0, 0).UTC(), time.Time{}
	}
}

// limit is the largest message that the server takes; 0: not known.
func (t *target) limit() int64 {
	told, known := t.known().limit, t.server.Facts().MaxMessage
	if told <= 0 || known > 0 && known < told {
		return known
	}
	return told
}

func (t *target) FolderName(path mail.Path, attempt int) (stored mail.Path, shown string, notes []mail.Note) {
	return t.known().rules.Stored(path, attempt)
}

func (t *target) Fingerprint(ctx context.Context, message io.Reader) (mail.Digest, error) {
	return t.digests.Fingerprint(ctx, message)
}

// NewDigest starts a digest by what this server keeps.
func (t *target) NewDigest() connector.Digest { return canon.NewDigest(t.rules) }

func (t *target) CreateContact(_ context.Context, c directory.Contact) error {
	return t.noDirectory("create contact", c.ID)
}

func (t *target) CreateList(_ context.Context, l directory.List) error {
	return t.noDirectory("create distribution list", l.ID)
}

func (t *target) noDirectory(op, id string) error {
	return failure.New(failure.Unsupported, op, id, "imap.directory", fmt.Errorf("an IMAP server keeps mailboxes and no address book"))
}

func (t *target) Close() error { return t.server.Close() }

// fail adds what is known of the provider to an error; nil stays nil.
func (t *target) fail(op, where string, err error) error {
	if err == nil {
		return nil
	}
	return t.server.Fail(op, where, err)
}

// flagSet turns the words of a server into marks. What belongs to a session
// or to a server alone (\Recent and other words with a backslash) is left out.
func flagSet(words []string) mail.FlagSet {
	kept := make([]string, 0, len(words))
	for _, w := range words {
		if len(w) > 0 && (w[0] != '\\' || mail.NewFlagSet(0, w).System != 0) {
			kept = append(kept, w)
		}
	}
	return mail.NewFlagSet(0, kept...)
}

// stored is a message as its owner finds it.
func (t *target) stored(it *imap.FetchItem) connector.Stored {
	flags := flagSet(it.Flags)
	flags.System &= t.kept()
	return connector.Stored{ID: uidText(it.UID), Size: it.Size, InternalDate: it.InternalDate, Flags: flags}
}
