package glb

// External is a record of NETPO.GLB: an address outside that was added to a local
// list (KB Q107767, Q112904). Its fields are documented, their places are not.
// The names are found where they stand, see LocateExternal; SetNames writes the
// likely layout: flag, three names of ten characters, mailbag (hypothesis, 1 + 11 +
// 11 + 11 + 9 bytes are the whole record).
type External [NetPOSize]byte

// ExternalLayout says where the names begin.
type ExternalLayout struct{ NetworkAt, PostofficeAt, MailboxAt int }

// LikelyExternal is the hypothesis.
var LikelyExternal = ExternalLayout{0x01, 0x0C, 0x17}

// Active is false for a deleted record (hypothesis).
func (e *External) Active() bool { return e[0] != 0 }
func (e *External) SetActive(on bool) {
	e[0] = 0
	if on {
		e[0] = 1
	}
}

// Names are network, postoffice and mailbox.
func (e *External) Names(l ExternalLayout) (network, postoffice, mailbox string) {
	return text(e[l.NetworkAt : l.NetworkAt+11]), text(e[l.PostofficeAt : l.PostofficeAt+11]), text(e[l.MailboxAt : l.MailboxAt+11])
}

// SetNames writes network, postoffice and mailbox.
func (e *External) SetNames(l ExternalLayout, network, postoffice, mailbox string) error {
	for _, f := range []struct {
		at   int
		what string
		s    string
	}{{l.NetworkAt, "network", network}, {l.PostofficeAt, "postoffice", postoffice}, {l.MailboxAt, "mailbox", mailbox}} {
		if err := setText(e[f.at:f.at+11], f.what, f.s); err != nil {
			return err
		}
	}
	return nil
}

// Mailbag is the mailbag of the external postoffice (hypothesis).
func (e *External) Mailbag() string           { return text(e[0x22:0x2B]) }
func (e *External) SetMailbag(s string) error { return setText(e[0x22:0x2B], "mailbag prefix", s) }

// RemoteUser is a record of a .USR file: a user or group of an external
// postoffice. Only its size is published (KB Q77926); 1 + 31 + 11 + 4 + 4 + 2 is a
// hypothesis.
type RemoteUser [RemoteUserSize]byte

// Active is false for a deleted record (hypothesis).
func (r *RemoteUser) Active() bool { return r[0] != 0 }
func (r *RemoteUser) SetActive(on bool) {
	r[0] = 0
	if on {
		r[0] = 1
	}
}

// Layout of a .USR record where aliases and mailbox names begin.
type RemoteLayout struct{ AliasAt, MailboxAt int }

// LikelyRemote is the hypothesis.
var LikelyRemote = RemoteLayout{0x01, 0x20}

// Names are the alias and the mailbox name.
func (r *RemoteUser) Names(l RemoteLayout) (alias, mailbox string) {
	return text(r[l.AliasAt : l.AliasAt+31]), text(r[l.MailboxAt : l.MailboxAt+11])
}

// SetNames writes the alias and the mailbox name.
func (r *RemoteUser) SetNames(l RemoteLayout, alias, mailbox string) error {
	if err := setText(r[l.AliasAt:l.AliasAt+31], "alias", alias); err != nil {
		return err
	}
	return setText(r[l.MailboxAt:l.MailboxAt+11], "mailbox", mailbox)
}
