package msg

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"waybill/failure"
	"waybill/format/cfb"
	"waybill/format/mapi"
)

// maxDepth bounds messages in messages. Outlook itself opens no more than a few dozen.
const maxDepth = 100

// Names of [MS-OXMSG] 2.2.
const (
	propertyStream = "__properties_version1.0"
	nameStorage    = "__nameid_version1.0"
	recipPrefix    = "__recip_version1.0_#"
	attachPrefix   = "__attach_version1.0_#"
	valuePrefix    = "__substg1.0_"
)

// Sizes of the header of a property stream ([MS-OXMSG] 2.4.1).
const (
	headerTop      = 32
	headerEmbedded = 24
	headerSub      = 8
)

// file is what all objects of a .msg file share.
type file struct {
	name  string
	names map[mapi.Name]mapi.ID
}

// Message is a message, the file's own or an embedded one.
type Message struct {
	file    *file
	node    *cfb.Node
	path    string
	depth   int
	props   *mapi.Props
	defects []error
}

var (
	_ mapi.Message    = (*Message)(nil)
	_ mapi.Attachment = (*Attachment)(nil)
)

// Open reads a .msg file of size bytes. name is for errors: those of cfb.Open, and
// msg.none where the compound file holds something else.
func Open(r io.ReaderAt, size int64, name string) (*Message, error) {
	f, err := cfb.Open(r, size, name)
	if err != nil {
		return nil, err
	}
	if !isMessage(f.Root) {
		return nil, malformed(name, "", "msg.none", "the compound file holds no message").
			WithRemedy("it may be a document of Office, or a template of something else")
	}
	shared := &file{name: name}
	var defects []error
	shared.names, defects = readNames(f.Root.Child(nameStorage), name)
	m := newMessage(shared, f.Root, "", headerTop, 0)
	m.defects = slices.Concat(f.Defects(), defects, m.defects)
	return m, nil
}

// isMessage tells a message from another storage.
func isMessage(n *cfb.Node) bool {
	return n != nil && n.Data == nil && (n.Child(propertyStream) != nil || n.Child(valuePrefix+"001A001F") != nil || n.Child(valuePrefix+"001A001E") != nil)
}

func newMessage(f *file, n *cfb.Node, path string, header, depth int) *Message {
	m := &Message{file: f, node: n, path: path, depth: depth}
	m.props, m.defects = f.readProps(n, path, header, 0)
	return m
}

// Props are the message's properties.
func (m *Message) Props() *mapi.Props { return m.props }

// Defects tell what of the message's own properties, and for the file's own
// message of the file's directory, could not be read.
func (m *Message) Defects() []error { return m.defects }

// Recipients reads the recipients in their order ([MS-OXMSG] 2.2.1).
func (m *Message) Recipients(ctx context.Context) ([]*mapi.Props, error) {
	var all []*mapi.Props
	var defects []error
	for _, n := range numbered(m.node, recipPrefix) {
		if err := ctx.Err(); err != nil {
			return all, cancelled(m.file.name, err)
		}
		props, bad := m.file.readProps(n, m.path+"/"+n.Name, headerSub, m.props.CodePage)
		all, defects = append(all, props), append(defects, bad...)
	}
	return all, join(defects)
}

// Attachments lists the attachments in their order ([MS-OXMSG] 2.2.2).
func (m *Message) Attachments(ctx context.Context) ([]mapi.Attachment, error) {
	var all []mapi.Attachment
	var defects []error
	for _, n := range numbered(m.node, attachPrefix) {
		if err := ctx.Err(); err != nil {
			return all, cancelled(m.file.name, err)
		}
		path := m.path + "/" + n.Name
		props, bad := m.file.readProps(n, path, headerSub, m.props.CodePage)
		all, defects = append(all, &Attachment{message: m, node: n, path: path, props: props}), append(defects, bad...)
	}
	return all, join(defects)
}

// numbered lists storages whose names end in a hexadecimal number, in its order.
func numbered(n *cfb.Node, prefix string) []*cfb.Node {
	type row struct {
		node   *cfb.Node
		number uint64
	}
	var rows []row
	for _, c := range n.Children {
		if len(c.Name) <= len(prefix) || !strings.EqualFold(c.Name[:len(prefix)], prefix) || c.Data != nil {
			continue
		}
		number, err := strconv.ParseUint(c.Name[len(prefix):], 16, 32)
		if err != nil {
			number = 1 << 32 // odd ones come last, and come
		}
		rows = append(rows, row{c, number})
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		if a.number != b.number {
			return int(min(a.number, 1<<32)) - int(min(b.number, 1<<32))
		}
		return strings.Compare(a.node.Name, b.node.Name)
	})
	all := make([]*cfb.Node, len(rows))
	for i, r := range rows {
		all[i] = r.node
	}
	return all
}

func place(name, path string) string {
	if path == "" {
		return name
	}
	return name + " " + strings.TrimPrefix(path, "/")
}

func malformed(name, path, rule, format string, args ...any) *failure.Error {
	return failure.New(failure.Malformed, "read message", place(name, path), rule, fmt.Errorf(format, args...))
}

func cancelled(name string, err error) error {
	return failure.New(failure.Cancelled, "read message", name, "cancelled", err)
}

// join makes one error of many; its class and rule are those of the first.
func join(defects []error) error {
	if len(defects) == 0 {
		return nil
	}
	const enough = 10
	first := defects[0]
	return failure.New(failure.ClassOf(first), "", "", failure.RuleOf(first), errors.Join(defects[:min(len(defects), enough)]...))
}
