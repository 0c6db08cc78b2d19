package msmail

import (
	"context"
	"fmt"
	"io"
	"strings"

	"waybill/connector"
	"waybill/failure"
	"waybill/format/msmail/glb"
	"waybill/mail"
)

// RawFiles implements connector.RawKeeper: the file of a message and those of its
// attachments, as far as they are known; mailbag and KEY for a row without a
// message. Message stores stay where they are: without a client and the owner's
// password they are of no use.
func (s *source) RawFiles(ctx context.Context, user string, folder mail.Path, key string) ([]connector.RawFile, error) {
	i, ok := s.byID[user]
	if !ok || s.people[i].err != nil {
		return nil, failure.New(failure.Vanished, "keep aside", fmt.Sprintf("%.60q", user), "msmail.no-user", nil)
	}
	p := &s.people[i]
	m := newMailbox(s, p)
	shelf, err := m.find(folder)
	if err != nil {
		return nil, err
	}
	if shelf.from.File != "" {
		return []connector.RawFile{{Name: shelf.from.File}}, nil
	}
	if strings.HasPrefix(key, "MMF/") {
		return []connector.RawFile{{Name: key, Leave: true}}, nil
	}
	if key == listKey {
		return nil, nil
	}
	id, ok := glb.ParseID(key)
	if !ok {
		return []connector.RawFile{{Name: "MBG/" + p.bag.String() + ".MBG"}, {Name: "KEY/" + p.bag.String() + ".KEY"}}, nil
	}
	files := []connector.RawFile{{Name: "MAI/MA" + key[7:] + "/" + key + ".MAI"}}
	msg, err := s.po.Stranded(ctx, id)
	switch {
	case err != nil && failure.ClassOf(err) == failure.Vanished:
		return nil, err
	case err != nil && failure.ClassOf(err) == failure.Cancelled:
		return nil, err
	case err == nil:
		for _, a := range msg.Attachments {
			if a.File != "" {
				files = append(files, connector.RawFile{Name: a.File})
			}
		}
	}
	return files, nil
}

// CopyRaw implements connector.RawKeeper.
func (s *source) CopyRaw(ctx context.Context, w io.Writer, name string) (int64, error) {
	return s.po.CopyRaw(ctx, w, name)
}
