package migfile

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"waybill/connector/migfile/journal"
	"waybill/directory"
	mf "waybill/format/migfile"
)

// appendObject writes a line of Directory.pri, whole or not at all; t.mu is held.
// o becomes what is read from that line.
func (t *target) appendObject(o *object) error {
	var b []byte
	columns := t.columns
	for name := range o.attributes {
		if !containsFold(columns, name) {
			columns = nil
		}
	}
	if columns == nil {
		columns = baseColumns()
		for _, name := range slices.Concat(t.columns, slices.Sorted(maps.Keys(o.attributes))) {
			if !containsFold(columns, name) && name != "" {
				columns = append(columns, name)
			}
		}
		b = t.page.Heading(mf.Directory, "", columns)
	}
	row, _ := t.page.Row(o.fields(columns)...)
	b = append(b, row...)
	path := filepath.Join(t.dir, directoryFile+".pri")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return journal.Error("write directory object", path, err)
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return journal.Error("write directory object", path, err)
	}
	if err := journal.Begin(t.dir, directoryFile, map[string]int64{directoryFile + ".pri": info.Size()}); err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return errors.Join(journal.Error("write directory object", path, err), journal.Recover(t.dir, directoryFile))
	}
	if err := journal.End(t.dir, directoryFile); err != nil {
		return err
	}
	t.columns = columns
	again, err := t.reread(columns, row)
	if err != nil {
		return err
	}
	*o = again
	return nil
}

// reread reads a line as it was written.
func (t *target) reread(columns []string, row []byte) (object, error) {
	text := string(t.page.Heading(mf.Directory, "", columns)) + string(row)
	p := mf.NewPrimary(strings.NewReader(text), directoryFile+".pri", t.page)
	for {
		rec, err := p.Next()
		if err != nil {
			return object{}, err
		}
		if !rec.Start {
			return readObject(rec)
		}
	}
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(have string) bool { return strings.EqualFold(have, s) })
}

// fields lays the object out under columns.
func (o object) fields(columns []string) []mf.Field {
	fields := make([]mf.Field, len(columns))
	addresses := make([]string, len(o.addresses))
	for i, a := range o.addresses {
		addresses[i] = mf.Escape(a.String())
	}
	primary, proxies := addresses[:min(1, len(addresses))], addresses[min(1, len(addresses)):]
	if o.binding != "" {
		proxies = append(slices.Clone(proxies), "MIGRATE:"+bindingType+":"+o.binding)
	}
	members := make([]string, len(o.members))
	for i, m := range o.members {
		if members[i] = memberPrefix + m; isAddress(m) {
			members[i] = m
		}
		members[i] = mf.Escape(members[i])
	}
	for i, c := range columns {
		switch strings.ToLower(c) {
		case "obj-class":
			fields[i] = mf.NewField(o.class)
		case "mode":
			fields[i] = mf.NewField("create")
		case "common-name":
			fields[i] = mf.NewField(mf.Escape(o.id))
		case "display-name":
			fields[i] = mf.NewField(mf.Escape(o.name))
		case "given-name":
			fields[i] = mf.NewField(mf.Escape(o.first))
		case "surname":
			fields[i] = mf.NewField(mf.Escape(o.last))
		case "e-mail addresses":
			if o.class != "remote" {
				fields[i] = mf.NewValues(primary)
			}
		case "e-mail address":
			if o.class == "remote" {
				fields[i] = mf.NewValues(primary)
			}
		case "secondary-proxy-addresses":
			fields[i] = mf.NewValues(proxies)
		case "members":
			fields[i] = mf.NewValues(members)
		default:
			value := ""
			for name, v := range o.attributes {
				if strings.EqualFold(name, c) {
					value = v
				}
			}
			if value == "" && strings.EqualFold(c, "home-server") && o.class == "mailbox" {
				value = "~SERVER"
			}
			fields[i] = mf.NewField(mf.Escape(value))
		}
	}
	return fields
}

// isAddress tells whether a member is a stranger's address rather than an ID.
func isAddress(member string) bool {
	kind, value, ok := strings.Cut(member, ":")
	if !ok || value == "" || kind == "" {
		return false
	}
	_, err := directory.ParseAddress(member)
	return err == nil && !strings.ContainsAny(kind, " =")
}

// same tells whether two objects say the same.
func (o object) same(p object) bool {
	return o.class == p.class && o.id == p.id && o.name == p.name && o.first == p.first && o.last == p.last &&
		slices.Equal(o.addresses, p.addresses) && slices.Equal(o.members, p.members) && maps.Equal(o.attributes, p.attributes)
}
