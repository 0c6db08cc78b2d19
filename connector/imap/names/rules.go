// Package names translates between the paths of Waybill and the names of
// mailboxes on IMAP servers (RFC 9051 5.1). It asks no server anything. Names
// are Unicode here; modified UTF-7 is the protocol client's matter, except that
// limits are counted in it, because that is what servers store.
package names

import "strings"

// Rules are how one server spells and restricts the names of one user's folders.
type Rules struct {
	// Delimiter separates the levels of a name; empty when the server has no
	// levels (LIST answers NIL).
	Delimiter string
	// Inbox is how the inbox is called: "INBOX", or "user/anna" for an
	// administrator.
	Inbox string
	// Prefix stands before every other name, with the delimiter at its end:
	// "INBOX." (Courier, Cyrus without altnamespace), "user/anna/"; often empty.
	// Suffix stands behind it: "@example.org" for an administrator of a Cyrus
	// with virtual domains.
	Prefix, Suffix string

	// What follows restricts names that are made; names that are there are read
	// and addressed whatever they are.

	// Reserved are characters that the server takes in no name, beside the
	// delimiter and control characters.
	Reserved string
	// Tilde says that no name may begin with "~".
	Tilde bool
	// Edges says that names may not begin or end with a space or a dot.
	Edges bool
	// NoInboxFolders says that folders cannot lie in the inbox, and NoInboxTwice
	// that one called INBOX cannot.
	NoInboxFolders, NoInboxTwice bool
	// Files are names at any level that the server's own files have, or that it
	// may use for them; one that ends with "*" stands for all that begin so.
	Files []string
	// Taken are names at the top that the server keeps for itself, compared
	// without case; one that ends with "*" stands for all that begin so.
	Taken []string
	// MaxName bounds one name and MaxPath a whole name with its prefix, in bytes
	// of modified UTF-7.
	MaxName, MaxPath int
}

// For gives the rules of a server of a flavour ("dovecot", "cyrus", "courier",
// "gmail", "exchange" or anything else). The delimiter is as LIST told it and
// may be empty. Prefix is that of the personal namespace (RFC 2342), or for an
// administrator the name of the user's inbox, with or without the delimiter at
// its end. More names that the provider keeps for itself may follow.
func For(flavour, delimiter, prefix string, taken ...string) Rules {
	r := Rules{Delimiter: delimiter, Inbox: "INBOX", MaxName: 200, MaxPath: 255, Taken: taken}
	r.place(prefix)
	switch flavour {
	case "dovecot":
		// Maildir++ has one directory, ".a.b.c", for a folder and all above it, and
		// does not tell whether it is the format in use.
		// With LAYOUT=fs the folder's name is that of a directory, among others.
		r.Reserved, r.Tilde, r.MaxPath = "./", true, 254
		r.Edges = true
		r.Files = []string{"cur", "new", "tmp", "dbox-Mails", "dovecot-*", "maildirfolder", "maildirsize", "subscriptions"}
	case "cyrus":
		r.Reserved, r.Tilde, r.MaxPath = "%*\"\\/!;<>`{|}", true, 400
		if delimiter == "/" {
			// "." is stored as "^", so that one cannot be told from the other.
			r.Reserved += "^"
		}
		r.NoInboxTwice = true
		r.Taken = append(r.Taken, "Other Users", "Shared Folders")
	case "courier":
		r.Reserved, r.Tilde = "./\\*%", true
		r.Edges = true
	case "gmail":
		r.Reserved, r.Edges, r.MaxName, r.MaxPath = "\\^*%\"", true, 200, 225
		r.Taken = append(r.Taken, "[Gmail]", "[Google Mail]", "Inbox", "Sent", "Drafts", "Spam", "Trash", "Starred", "Important", "Chat", "All Mail", "Muted", "Unread")
	case "exchange":
		r.Reserved, r.Edges, r.MaxPath = "\\", true, 1000
	default:
		r.Reserved, r.Tilde, r.Edges = "./\\*%\"", true, true
	}
	return r
}

// place takes the prefix apart.
func (r *Rules) place(prefix string) {
	bare := prefix
	if r.Delimiter != "" {
		bare = strings.TrimSuffix(prefix, r.Delimiter)
	}
	if bare == "" {
		return
	}
	r.NoInboxFolders = true
	if strings.EqualFold(bare, "INBOX") {
		r.Prefix = bare + r.Delimiter
		return
	}
	if r.Delimiter == "" || !strings.HasPrefix(bare, "user"+r.Delimiter) {
		// A namespace such as "mail/": the inbox lies beside it.
		r.Prefix, r.NoInboxFolders = bare+r.Delimiter, false
		return
	}
	r.Inbox = bare
	if at := strings.LastIndexByte(bare, '@'); at >= 0 {
		bare, r.Suffix = bare[:at], bare[at:]
	}
	r.Prefix = bare + r.Delimiter
}

// below reports whether every folder lies in the inbox for the server, so that
// a name after the prefix stands for a folder at the top.
func (r Rules) below() bool {
	return r.Prefix != "" && (r.Inbox != "INBOX" || strings.EqualFold(strings.TrimSuffix(r.Prefix, r.Delimiter), "INBOX"))
}
