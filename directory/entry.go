// Package directory holds the people side of a mail system: users, contacts,
// distribution lists, and how source users are matched to target accounts.
package directory

// Kind tells what a user's mailbox is for.
type Kind string

// The kinds of mailboxes.
const (
	Person Kind = ""       // one person's mailbox
	Public Kind = "public" // a tree of public (shared) folders
)

// User is somebody, or something, with a mailbox.
type User struct {
	// ID names the user within its system: a directory name, a login, a path.
	// It is unique there and stable between runs.
	ID   string
	Kind Kind
	// Name is the display name; empty when the system has none.
	Name  string
	First string
	Last  string
	// Addresses holds the primary address first, then proxy addresses.
	Addresses []Address
	// Attributes are further properties under the source's names (Department,
	// Title, Telephone-Office1 ...).
	Attributes map[string]string
}

// Address is the user's primary address of type kind, or of any type when kind
// is empty.
func (u User) Address(kind string) (Address, bool) {
	for _, a := range u.Addresses {
		if kind == "" || a.Type == kind {
			return a, true
		}
	}
	return Address{}, false
}

// Contact is somebody outside the system whom it knows (a custom recipient).
type Contact struct {
	ID         string
	Name       string
	First      string
	Last       string
	Addresses  []Address
	Attributes map[string]string
}

// List is a distribution list.
type List struct {
	ID        string
	Name      string
	Addresses []Address
	// Members are IDs of users, contacts or other lists of the same system, or
	// addresses (TYPE:value) of strangers.
	Members    []string
	Attributes map[string]string
}

// Book is what a system's directory holds besides its users.
type Book struct {
	Contacts []Contact
	Lists    []List
}
