// Package postoffice writes Microsoft Mail postoffices for tests. It follows the
// published record; where that says nothing it follows the hypotheses of package
// waybill/format/msmail and its sub-packages, and lets the seed choose between
// them where a reader has to find out: the cipher's key, the places of fields in
// ACCESS2.GLB, the order of fields in address lists, the order of bits in KEY
// files, how long strings are encrypted.
//
// No file that it writes was ever read by Microsoft's programs. It proves that the
// readers do what the record says, not that the record is true.
package postoffice

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing/fstest"
	"time"

	"waybill/format/msmail/dos"
	"waybill/format/msmail/glb"
	"waybill/format/msmail/mai"
	"waybill/format/msmail/mbg"
)

// Options say what to write. The zero value is a small postoffice.
type Options struct {
	Seed        uint64
	Users       int // local users besides Admin; 0 is 5
	Messages    int // message files; 0 is 40
	Groups      int // 0 is 3, less than 0 none
	Externals   int // external addresses in the postoffice's list; 0 is 4, less than 0 none
	Folders     int // shared and group folders; 0 is 3, less than 0 none
	CodePage    int // 0 is 850
	Attachments int // every so many messages one has attachments; 0 is 5, less than 0 none
	LowerCase   bool
	// Now is the date of the last message; the zero time is in June 1996.
	Now time.Time
}

func (o *Options) fill() {
	for _, f := range []struct {
		n    *int
		when int
	}{{&o.Users, 5}, {&o.Messages, 40}, {&o.Groups, 3}, {&o.Externals, 4}, {&o.Folders, 3}, {&o.Attachments, 5}} {
		if *f.n == 0 {
			*f.n = f.when
		}
		*f.n = max(*f.n, 0)
	}
	if o.Now.IsZero() {
		o.Now = time.Date(1996, 6, 14, 17, 30, 0, 0, time.UTC)
	}
}

// Manifest is what was written: the truth that readers are compared with.
type Manifest struct {
	Network    string
	Postoffice string
	Users      []User // Admin first
	Groups     []Group
	Externals  []External
	Messages   []Message
	Folders    []Folder
	Stores     int // .MMF files

	Cipher mai.Cipher
	Alias  glb.AliasLayout
	Access glb.AccessLayout
	Keys   mbg.KeyLayout
}

// User is one local user with the rows of the mailbag.
type User struct {
	ID      glb.ID
	Mailbox string
	Alias   string
	TID     uint32
	Rows    []Row
	// Personal are the aliases of the entries of the personal list.
	Personal []string
	// Spoiled says that a corruption was injected here; the next one goes elsewhere.
	Spoiled bool
}

// Row is one row of a mailbag.
type Row struct {
	Message int // index in Manifest.Messages
	Deleted bool
}

// Group is one group of the postoffice.
type Group struct {
	Alias   string
	Address string
	TID     uint32
	Members []string // aliases
}

// External is somebody outside.
type External struct{ Alias, Address string } // MS:NET/PO/BOX, SMTP:a@b

// Message is one message file.
type Message struct {
	ID       glb.ID
	From     int // index in Manifest.Users
	To, Cc   []int
	Subject  string // as in the message's text where it is longer than 40
	Short    string // as in mailbag and message
	Text     string
	Date     time.Time // its clock, in UTC
	Priority string
	Files    []File
	Live     int // rows that are not deleted
	Gone     bool
	Spoiled  bool // as of users
}

// File is one attachment.
type File struct {
	ID      glb.ID
	Name    string
	Content []byte
}

// Folder is one folder file.
type Folder struct {
	ID       glb.ID
	Name     string
	Owner    glb.ID
	Kind     byte
	Messages int
	Subjects []string
}

// writer is a postoffice that is being written.
type writer struct {
	files Files
	opt   Options
	rng   *rand.Rand
	page  dos.CodePage
	m     *Manifest

	bag    uint32 // next mailbag
	letter uint32 // next message or attachment
	tid    uint32
	names  map[string]bool
	list   []glb.Alias
	grp    []glb.Node
	netpo  []byte
}

// Files are the files of a postoffice by their names: "MBG/00000000.MBG".
type Files map[string][]byte

// FS shows the files as a file system.
func (f Files) FS() fs.FS {
	m := fstest.MapFS{}
	for name, b := range f {
		m[name] = &fstest.MapFile{Data: b, Mode: 0o644}
	}
	return m
}

// WriteTo writes the files below dir, which is made.
func (f Files) WriteTo(dir string) error {
	made := map[string]bool{}
	for name, b := range f {
		to := filepath.Join(dir, filepath.FromSlash(name))
		if parent := filepath.Dir(to); !made[parent] {
			if err := os.MkdirAll(parent, 0o755); err != nil {
				return err
			}
			made[parent] = true
		}
		if err := os.WriteFile(to, b, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Write writes a postoffice below dir, which is made.
func Write(dir string, opt Options) (*Manifest, error) {
	files, m, err := Build(opt)
	if err != nil {
		return nil, err
	}
	return m, files.WriteTo(dir)
}

// Build makes a postoffice in memory. The same options make the same bytes.
func Build(opt Options) (Files, *Manifest, error) {
	opt.fill()
	page, err := dos.NewCodePage(opt.CodePage)
	if err != nil {
		return nil, nil, err
	}
	w := &writer{files: Files{}, opt: opt, page: page, rng: rand.New(rand.NewPCG(opt.Seed, 0x4D53)), m: &Manifest{Network: "NET1", Postoffice: "DATA3"}, letter: 0x1000, names: map[string]bool{}}
	w.choose()
	for _, step := range []func() error{w.directories, w.makeUsers, w.networks, w.groups, w.lists, w.messages, w.mailbags, w.folders, w.fixed} {
		if err := step(); err != nil {
			return nil, nil, err
		}
	}
	return w.files, w.m, nil
}

// choose lets the seed decide what the record leaves open.
func (w *writer) choose() {
	m := w.m
	for i := range m.Cipher.Key {
		m.Cipher.Key[i] = byte(w.rng.UintN(256))
	}
	m.Cipher.Long = []mai.Long{{}, {Fold: true}, {Block: 512}}[w.rng.IntN(3)]
	m.Alias = glb.AliasLayout{TypeAt: w.rng.IntN(2), TIDAt: 0x21 + 4*w.rng.IntN(2)}
	m.Keys = mbg.KeyLayout{BitsAt: 48 * w.rng.IntN(2), HighBits: w.rng.IntN(2) == 1}
	m.Access = glb.AccessLayout{MailboxAt: w.rng.IntN(20), IDAt: 35 + w.rng.IntN(24), Digits: w.rng.IntN(2) == 1}
	if w.rng.IntN(3) == 0 {
		m.Network = "CORPORATE"
	}
}

func (w *writer) directories() error {
	dirs := []string{"CAL", "FOLDERS/LOC/00000000", "FOLDERS/PUB", "GLB", "GRP", "HLP", "INF", "INI", "KEY", "LOG", "MBG", "MEM", "MMF", "NME", "P1", "TPL", "USR", "XTN"}
	for _, d := range "0123456789ABCDEF" {
		dirs = append(dirs, "ATT/AT"+string(d), "MAI/MA"+string(d))
	}
	for _, d := range dirs {
		if err := w.write(d+"/POPULATE.MSM", []byte{0}); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) write(name string, b []byte) error {
	if w.opt.LowerCase {
		name = strings.ToLower(name)
	}
	if _, twice := w.files[name]; twice {
		return fmt.Errorf("%s is written twice", name)
	}
	w.files[name] = b
	return nil
}

// code encodes text in the code page.
func (w *writer) code(s string) string {
	b, _ := w.page.Encode(s)
	return b
}

func (w *writer) nextTID() uint32 { w.tid++; return w.tid }

func (w *writer) nextBag() glb.ID { w.bag++; return glb.ID(w.bag - 1) }

func (w *writer) nextLetter() glb.ID { w.letter++; return glb.ID(w.letter - 1) }

// MessageFile is the name of a message's file.
func MessageFile(id glb.ID) string { return letterFile("MAI", id) }

// AttachmentFile is the name of an attachment's file.
func AttachmentFile(id glb.ID) string { return letterFile("ATT", id) }

func letterFile(kind string, id glb.ID) string {
	return fmt.Sprintf("%s/%s%s/%s.%s", kind, kind[:2], id.String()[7:], id, kind)
}
