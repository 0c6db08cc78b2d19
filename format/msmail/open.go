package msmail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"waybill/failure"
	"waybill/format/msmail/dos"
	"waybill/format/msmail/evidence"
	"waybill/format/msmail/glb"
	"waybill/format/msmail/mai"
	"waybill/format/msmail/mbg"
)

// Options say what a postoffice does not tell of itself.
type Options struct {
	// CodePage is the DOS code page of the postoffice's text: 437, 737, 850, 852,
	// 866, 932, 936, 949, 950 ... (KB Q174153). 0 is 850. It is not stored in the
	// postoffice, and a wrong one spoils names (KB Q156856).
	CodePage int
	// Zone is where the senders were; dates have no zone (KB Q133192). nil is UTC.
	Zone *time.Location
	// Network and Postoffice are the postoffice's own names, where the operator
	// knows them. Empty names are found out.
	Network, Postoffice string
}

// Postoffice is an open postoffice. Its methods may be called from several
// goroutines.
type Postoffice struct {
	tree *dos.Tree
	page dos.CodePage
	zone *time.Location

	network, post string
	networks      []Network
	users         []User
	twins         []User // with a mailbag that is another's
	groups        []Group
	externals     []External
	lists         []PersonalList
	findings      []Finding
	evidence      []evidence.Finding

	list     glb.Table // ADMIN.NME
	shape    glb.AliasLayout
	netpo    glb.Table
	netpoAt  glb.ExternalLayout
	netpoOK  bool
	lastTID  uint32
	access   glb.Table // ACCESS2.GLB
	accessAt glb.AccessLayout
	accessOK bool // the mailbag numbers were found
	loginOK  bool // the mailbox names were found

	bags   []bag
	keys   []mbg.Sample
	keyAt  mbg.KeyLayout
	keyOK  bool
	cipher mai.Cipher
	known  bool  // the key is proven
	sure   int64 // length of strings up to which the cipher is proven
	sample []mai.Known
	att    *mai.Cipher // how ATT files are encrypted; nil: in clear
	attOK  bool
}

// Open reads the directory of the postoffice in fsys and calibrates what is not
// published. It fails only where nothing could be read at all: no MASTER.GLB
// (rule "msmail.no-postoffice"), no list of users (rule "msmail.no-users"), an
// unknown code page (rule "msmail.code-page"), or a file that the disk does not
// give. Everything else is in Findings.
//
// fsys should be an fs.FS that cannot be left by links that are made while it is
// read, such as that of os.Root.
func Open(ctx context.Context, fsys fs.FS, opt Options) (*Postoffice, error) {
	page, err := dos.NewCodePage(opt.CodePage)
	if err != nil {
		return nil, err
	}
	p := &Postoffice{tree: dos.NewTree(fsys), page: page, zone: opt.Zone, network: opt.Network, post: opt.Postoffice}
	if p.zone == nil {
		p.zone = time.UTC
	}
	if !p.tree.Exists("GLB/MASTER.GLB") {
		return nil, failure.New(failure.Usage, "open postoffice", "GLB/MASTER.GLB", "msmail.no-postoffice", fs.ErrNotExist).
			WithRemedy("name the directory that holds GLB, MBG, MAI and the others (MAILDATA, or WGPO of a workgroup postoffice)")
	}
	for _, step := range []func(context.Context) error{
		p.readNetworks, p.readLists, p.readBags, p.locateUsers, p.calibrate, p.locateKey, p.nameHome, p.makeUsers, p.makeGroups, p.makeExternals, p.readPersonal, p.calibrateFiles,
	} {
		if ctx.Err() != nil {
			return nil, failure.New(failure.Cancelled, "open postoffice", "", "", ctx.Err())
		}
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	p.sample = nil
	if len(p.users) == 0 {
		return nil, failure.New(failure.Malformed, "open postoffice", "NME/ADMIN.NME", "msmail.no-users", fmt.Errorf("neither the address list nor ACCESS2.GLB tells of a user")).
			WithRemedy("rebuild ADMIN.NME with ACCTONME on a copy of the postoffice, or export the list with IMPORT -X and use that")
	}
	return p, nil
}

// Name is the postoffice's own network and name; empty where not found.
func (p *Postoffice) Name() (network, postoffice string) { return p.network, p.post }

// Users are the users of the postoffice in the order of their aliases.
func (p *Postoffice) Users() []User { return slices.Clone(p.users) }

// Groups are the postoffice groups.
func (p *Postoffice) Groups() []Group { return slices.Clone(p.groups) }

// Externals are the contacts that the postoffice's lists know.
func (p *Postoffice) Externals() []External { return slices.Clone(p.externals) }

// Networks are the networks and gateways.
func (p *Postoffice) Networks() []Network { return slices.Clone(p.networks) }

// PersonalLists are the users' own address lists.
func (p *Postoffice) PersonalLists() []PersonalList { return slices.Clone(p.lists) }

// Evidence is what was found out about unpublished fields, with its confidence.
func (p *Postoffice) Evidence() []evidence.Finding { return slices.Clone(p.evidence) }

// Findings are the rules that were found broken while opening.
func (p *Postoffice) Findings() []Finding { return slices.Clone(p.findings) }

// CodePage is the code page in use.
func (p *Postoffice) CodePage() int { return p.page.Number() }

// Readable reports whether the texts of messages can be read: the cipher's key was
// derived and explains the postoffice's messages.
func (p *Postoffice) Readable() bool { return p.known }

// table reads a directory file. A missing file is an empty table and false.
func (p *Postoffice) table(name string, header, record int) (glb.Table, bool, error) {
	f, _, err := p.tree.Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return glb.Table{Name: name}, false, nil
		}
		if failure.ClassOf(err) == failure.Denied && failure.RuleOf(err) == "msmail.link" {
			p.found("msmail.link", name, -1, evidence.Documented, "", "", "%v", err)
			return glb.Table{Name: name}, false, nil
		}
		return glb.Table{}, false, err
	}
	defer func() { _ = f.Close() }()
	t, err := glb.ReadTable(f, name, header, record)
	return t, err == nil, err
}

// whole reads a small file of fixed size; shorter ones are filled with zeros.
func (p *Postoffice) whole(name string, b []byte) (bool, error) {
	f, _, err := p.tree.Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || failure.RuleOf(err) == "msmail.link" {
			return false, nil
		}
		return false, err
	}
	defer func() { _ = f.Close() }()
	n, err := io.ReadFull(f, b)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return false, failure.New(failure.ClassOf(err), "read", name, "msmail.read", err)
	}
	return n > 0, nil
}

func (p *Postoffice) found(rule, file string, offset int64, c evidence.Certainty, event, article, format string, args ...any) {
	if len(p.findings) < maxFindings {
		p.findings = append(p.findings, Finding{Rule: rule, File: file, Offset: offset, Text: fmt.Sprintf(format, args...), Certainty: c, EventID: event, Article: article})
	}
}

// maxFindings bounds what one postoffice can make us remember.
const maxFindings = 100_000

// special are mailboxes of the system (KB Q119642, Q117648, Q175447).
func special(mailbox string) bool {
	switch strings.ToUpper(mailbox) {
	case "ADMINSCH", "$SYSTEM", "*SPECIAL", "POSTMASTER":
		return true
	}
	return false
}

// mainAddress is the MS address of a mailbox of this postoffice.
func (p *Postoffice) mainAddress(mailbox string) Address {
	if p.network == "" || p.post == "" || mailbox == "" {
		return Address{}
	}
	return Address{"MS", p.network + "/" + p.post + "/" + mailbox}
}
