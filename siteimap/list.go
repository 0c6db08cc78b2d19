package siteimap

import (
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"

	"waybill/sitestore"
)

// maxPatterns bounds the work of one LIST.
const maxPatterns = 50

// List is LIST (RFC 5258, RFC 5819, RFC 6154) and LSUB. go-imap's own matching
// of patterns takes time that grows exponentially with their wildcards.
func (x *session) List(w *imapserver.ListWriter, ref string, patterns []string, options *imap.ListOptions) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(patterns) == 0 && !options.SelectSubscribed {
		return w.WriteList(&imap.ListData{Attrs: []imap.MailboxAttr{imap.MailboxAttrNoSelect}, Delim: delimiter})
	}
	if len(patterns) > maxPatterns {
		return no(codeLimit, "too many patterns")
	}
	for i, p := range patterns {
		p = ref + p
		if len(p) > maxName {
			return no(codeLimit, "the pattern is too long")
		}
		if len(p) >= 5 && strings.EqualFold(p[:5], "INBOX") {
			p = "INBOX" + p[5:]
		}
		patterns[i] = p
	}
	folders, err := x.box.Folders(x.ctx)
	if err != nil {
		return refusal(err)
	}
	l := listing{lsub: x.gate.UnderWay() == "LSUB", options: options, folders: folders, names: make([]string, len(folders)), fit: make([]bool, len(folders))}
	for i := range folders {
		l.names[i] = imapName(folders[i].Path)
		for _, p := range patterns {
			l.fit[i] = l.fit[i] || matches(l.names[i], p)
		}
	}
	for i, f := range folders {
		data := l.describe(i)
		if data == nil {
			continue
		}
		if options.ReturnStatus != nil && !f.Container {
			// One folder that cannot be counted does not end the list (RFC 5819 2).
			if data.Status, err = x.status(f, l.names[i], options.ReturnStatus); err != nil && x.ctx.Err() != nil {
				return refusal(err)
			}
		}
		if err := w.WriteList(data); err != nil {
			return err
		}
	}
	return nil
}

// listing is one LIST under way.
type listing struct {
	lsub    bool
	options *imap.ListOptions
	folders []sitestore.Folder
	names   []string
	fit     []bool
}

// inside is the range of the folders inside folder i: they follow it.
func (l *listing) inside(i int) (from, to int) {
	prefix := string(l.folders[i].Path) + "/"
	for to = i + 1; to < len(l.folders) && strings.HasPrefix(string(l.folders[to].Path), prefix); to++ {
	}
	return i + 1, to
}

// describe says what is told of folder i; nil when it is not asked for.
func (l *listing) describe(i int) *imap.ListData {
	f, o := l.folders[i], l.options
	if !l.fit[i] {
		return nil
	}
	from, to := l.inside(i)
	data := &imap.ListData{Delim: delimiter, Mailbox: l.names[i]}
	if o.SelectSubscribed && !f.Subscribed {
		// A folder counts when one inside is subscribed to and is not listed
		// itself (RFC 3501 6.3.9), or when that is asked for (RFC 5258 3.5).
		below := false
		for k := from; k < to; k++ {
			below = below || l.folders[k].Subscribed && (o.SelectRecursiveMatch || l.lsub && !l.fit[k])
		}
		if !below {
			return nil
		}
		if o.SelectRecursiveMatch {
			data.ChildInfo = &imap.ListDataChildInfo{Subscribed: true}
		} else {
			data.Attrs = append(data.Attrs, imap.MailboxAttrNoSelect)
		}
	}
	role := useAttributes()[f.Use]
	if o.SelectSpecialUse && role == "" {
		return nil
	}
	if f.Container && len(data.Attrs) == 0 {
		data.Attrs = append(data.Attrs, imap.MailboxAttrNoSelect)
	}
	if to > from {
		data.Attrs = append(data.Attrs, imap.MailboxAttrHasChildren)
	} else {
		data.Attrs = append(data.Attrs, imap.MailboxAttrHasNoChildren)
	}
	if role != "" {
		data.Attrs = append(data.Attrs, role)
	}
	if !l.lsub && f.Subscribed {
		data.Attrs = append(data.Attrs, imap.MailboxAttrSubscribed)
	}
	return data
}
