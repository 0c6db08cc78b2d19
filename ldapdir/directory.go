package ldapdir

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"waybill/directory"
	"waybill/failure"
	"waybill/ldapdir/people"
)

// Memory is where a migration remembers what it made; a ledger is one.
type Memory interface {
	SetProvisioned(ctx context.Context, kind, id, state string) error
	Provisioned(ctx context.Context, kind string) (map[string]string, error)
	PutDocument(ctx context.Context, name string, body []byte) error
	Document(ctx context.Context, name string) ([]byte, error)
}

// States of an entry in the memory. An entry that is intended may be there, half
// made, or not there.
const (
	intended = "intended"
	made     = "made"
	removed  = "removed"
)

// tokenDocument is where the memory keeps the token that our markers hold.
const tokenDocument = "directory-token"

func memoryOf(k people.Kind) string { return "directory " + string(k) }

// Note is something the operator should know of an entry that was made.
type Note struct{ ID, Text string }

// Directory makes and reads the people of one directory. It is used by one
// goroutine at a time.
type Directory struct {
	o      Options
	s      *session
	schema people.Schema
	root   root
	memory Memory
	token  string
	tell   func(Note)

	states   map[people.Kind]map[string]string
	secrets  *secretsFile
	template *template
	lists    map[string]directory.List // whose members are not all there yet
	fleeting map[string]bool           // canaries
}

// Open logs on and looks at what the directory can do. Without a memory nothing
// is remembered beyond Close; then only Prove and reading make sense. tell, when
// set, is told what an operator should know of single entries.
func Open(ctx context.Context, o Options, memory Memory, tell func(Note)) (*Directory, error) {
	d := &Directory{o: o, s: &session{o: o}, schema: people.Of(o.Layout), memory: memory, tell: tell, states: map[people.Kind]map[string]string{}, lists: map[string]directory.List{}, fleeting: map[string]bool{}}
	if o.Policy == RandomPassword && o.Secrets == "" {
		return nil, usage("ldap.secrets", o.String(), "random passwords have to be written down: name a file with --directory-passwords")
	}
	err := d.remember(ctx)
	if err == nil {
		d.root, err = d.s.look(ctx)
	}
	if err == nil {
		err = d.leastPassword(ctx)
	}
	if err == nil && o.Secrets != "" && o.Policy != NoPassword {
		d.secrets, err = openSecrets(o.Secrets)
	}
	if err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

// Close ends the connection.
func (d *Directory) Close() error { return d.s.Close() }

// String is the directory's name.
func (d *Directory) String() string { return d.o.String() }

func (d *Directory) note(id, text string) {
	if d.tell != nil {
		d.tell(Note{ID: id, Text: text})
	}
}

// remember reads the token and the states, or begins with new ones.
func (d *Directory) remember(ctx context.Context) error {
	for _, k := range []people.Kind{people.Account, people.Contact, people.Group} {
		d.states[k] = map[string]string{}
		if d.memory == nil {
			continue
		}
		states, err := d.memory.Provisioned(ctx, memoryOf(k))
		if err != nil {
			return err
		}
		d.states[k] = states
	}
	if d.memory != nil {
		kept, err := d.memory.Document(ctx, tokenDocument)
		if err != nil {
			return err
		}
		d.token = string(kept)
	}
	if d.token != "" {
		return nil
	}
	raw := make([]byte, 10)
	if _, err := rand.Read(raw); err != nil {
		return failure.New(failure.Internal, "make a token", "", "ldap.random", err)
	}
	d.token = hex.EncodeToString(raw)
	if d.memory == nil {
		return nil
	}
	return d.memory.PutDocument(ctx, tokenDocument, []byte(d.token))
}

// state is what the memory knows of an entry; "" is nothing.
func (d *Directory) state(k people.Kind, id string) string { return d.states[k][id] }

func (d *Directory) setState(ctx context.Context, k people.Kind, id, state string) error {
	if d.memory != nil {
		if err := d.memory.SetProvisioned(ctx, memoryOf(k), id, state); err != nil {
			return err
		}
	}
	d.states[k][id] = state
	return nil
}

// CreateAccount makes an account. For one that this migration made already it
// does what an interrupted run left undone, and nothing else. An entry of the
// same name or address that somebody else made is an error of class Conflict.
func (d *Directory) CreateAccount(ctx context.Context, u directory.User) error {
	if u.Kind == directory.Public {
		return failure.New(failure.Unsupported, "create account", u.ID, "ldap.public", errors.New("public folders have no account in a directory"))
	}
	return d.create(ctx, people.AccountFacts(u), nil)
}

// CreateCanary is CreateAccount for an account that is removed again at once: its
// password is written nowhere.
func (d *Directory) CreateCanary(ctx context.Context, u directory.User) error {
	d.fleeting[u.ID] = true
	return d.CreateAccount(ctx, u)
}

// CreateContact makes a contact; the rules are those of CreateAccount.
func (d *Directory) CreateContact(ctx context.Context, c directory.Contact) error {
	return d.create(ctx, people.ContactFacts(c), nil)
}

// create makes one entry, safely to be repeated.
func (d *Directory) create(ctx context.Context, f people.Facts, members []string) error {
	if err := f.Check(); err != nil {
		return err
	}
	dn, a, untold, err := d.schema.Entry(f)
	if err != nil {
		return err
	}
	mark := d.mark(f.Kind, f.ID)
	before := d.state(f.Kind, f.ID)
	if before != "" {
		have, err := d.find(ctx, f.Kind, f.ID)
		if err != nil {
			return err
		}
		switch {
		case have != nil && before == made:
			return nil // what people changed in it stays
		case have != nil:
			return d.complete(ctx, f, have.DN)
		case before == made && f.Kind != people.Account:
			d.note(f.ID, "this migration made it, and somebody removed it since; it is not made again")
			return nil
		}
	}
	if err := d.clash(ctx, f); err != nil {
		return err
	}
	if f.Kind == people.Account {
		if err := d.copyTemplate(ctx, a); err != nil {
			return err
		}
	}
	a.Add("member", members...)
	a.Set(d.o.Marker, mark)
	d.known(f.ID, a)
	if err := d.setState(ctx, f.Kind, f.ID, intended); err != nil {
		return err
	}
	if f.Kind == people.Account {
		if err := d.passwordOnCreation(f.ID, a); err != nil {
			return err
		}
	}
	if err := d.add(ctx, f, dn, mark, a); err != nil {
		return err
	}
	if len(untold) > 0 {
		d.note(f.ID, "properties that this directory has no place for: "+strings.Join(untold, ", "))
	}
	return d.complete(ctx, f, dn)
}

// complete does what follows the making, and may be repeated.
func (d *Directory) complete(ctx context.Context, f people.Facts, dn string) error {
	if f.Kind == people.Account {
		if err := d.passwordAfterCreation(ctx, f.ID, dn); err != nil {
			return err
		}
	}
	if f.Kind == people.Group {
		return nil // it is made when its members are complete
	}
	return d.setState(ctx, f.Kind, f.ID, made)
}

// add sends the entry. When the answer is lost, or the name is taken, the marker
// tells whether the entry that is there is this one.
func (d *Directory) add(ctx context.Context, f people.Facts, dn, mark string, a *people.Attributes) error {
	op := "create " + string(f.Kind)
	err := d.addOnce(ctx, op, dn, a)
	if ruleIs(err, "ldap.naming") {
		// A server that keeps to RFC 4511 4.7 wants the naming value among the
		// attributes; Exchange 5.5 keeps it in rdn.
		a.Add(rdnType(dn), people.NamingValue(dn))
		err = d.addOnce(ctx, op, dn, a)
	}
	if err == nil {
		return nil
	}
	if class := failure.ClassOf(err); class != failure.Conflict && class != failure.Transient {
		return d.explain(err, f.Kind, dn)
	}
	have, readErr := d.s.Read(ctx, dn, d.o.Marker)
	switch {
	case readErr == nil && d.ours(have, mark):
		return nil
	case readErr == nil && failure.ClassOf(err) == failure.Conflict:
		return failure.New(failure.Conflict, op, dn, "ldap.exists", errors.New("an entry of this name is there, and this migration did not make it")).
			WithRemedy("if it is the same person, say so in the user map; if not, choose another name")
	}
	return d.explain(err, f.Kind, dn)
}

func (d *Directory) addOnce(ctx context.Context, op, dn string, a *people.Attributes) error {
	request := ldap.NewAddRequest(dn, nil)
	for _, name := range a.Names {
		request.Attribute(name, a.Get(name))
	}
	if nobody, needed := d.schema.Empty(); needed && people.ContainsFold(a.Get("objectClass"), d.schema.Class(people.Group)) && !a.Has("member") {
		request.Attribute("member", []string{nobody})
	}
	return d.s.do(ctx, op, dn, func(c *ldap.Conn) error { return c.Add(request) })
}

func rdnType(dn string) string {
	name, _, _ := strings.Cut(dn, "=")
	return name
}

// known takes out what the directory's schema does not know, and what it keeps
// under another name that is set already.
func (d *Directory) known(id string, a *people.Attributes) {
	var lost []string
	for _, name := range append([]string{}, a.Names...) {
		if !d.root.vocabulary.Knows(name) {
			a.Remove(name)
			lost = append(lost, name)
			continue
		}
		for _, other := range a.Names {
			if other != name && d.root.vocabulary.Same(name, other) {
				values := a.Get(name)
				a.Remove(name)
				a.Add(other, values...)
				break
			}
		}
	}
	for _, name := range lost {
		if carries[strings.ToLower(name)] {
			d.note(id, "the directory does not know the attribute "+name+", so it was left out")
		}
	}
}

// carries are attributes whose loss is told: they hold what came from the source.
// The others, such as mailNickname, only exist where Exchange has extended a schema.
var carries = map[string]bool{"proxyaddresses": true, "othermailbox": true, "labeleduri": true, "displayname": true, "textencodedoraddress": true}

// Delete removes an account that this migration made, for canaries. One that
// carries no marker of ours is left; the error says so.
func (d *Directory) Delete(ctx context.Context, id string) error {
	have, err := d.find(ctx, people.Account, id)
	if err != nil {
		return err
	}
	if have == nil {
		return failure.New(failure.Vanished, "remove account", id, "ldap.no-object", errors.New("there is no account of that name that this migration made"))
	}
	if err := d.remove(ctx, have.DN); err != nil {
		return err
	}
	return d.setState(ctx, people.Account, id, removed)
}

func (d *Directory) remove(ctx context.Context, dn string) error {
	err := d.s.do(ctx, "remove", dn, func(c *ldap.Conn) error { return c.Del(ldap.NewDelRequest(dn, nil)) })
	if failure.ClassOf(err) == failure.Vanished {
		return nil
	}
	return err
}
