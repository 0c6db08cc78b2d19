package connectortest

import (
	"waybill/directory"
	"waybill/failure"
)

func directoryCases() []testCase {
	return []testCase{
		{"directory/contacts", contacts},
		{"directory/lists", lists},
	}
}

func supplier() directory.Contact {
	return directory.Contact{
		ID: "supplier", Name: "Rope Works", First: "Rosa", Last: "Works",
		Addresses: []directory.Address{{Type: directory.SMTP, Value: "ropes@example.com"}},
	}
}

// crew has a member that is never made, which is the engine's to report.
func crew() directory.List {
	return directory.List{
		ID: "crew", Name: "Crew", Addresses: []directory.Address{{Type: directory.SMTP, Value: "crew@example.org"}},
		Members: []string{"anna", "bert", "supplier"},
	}
}

// contacts makes a contact, repeats it, and tries another one of that ID.
func contacts(tr *trial) {
	target := tr.open()
	if !target.Capabilities().Contacts {
		tr.Skip("the target holds no contacts")
	}
	tr.Must("create a contact", target.CreateContact(tr.Ctx, supplier()))
	tr.Check("create the same contact again", target.CreateContact(tr.Ctx, supplier()))
	other := supplier()
	other.Addresses = []directory.Address{{Type: directory.SMTP, Value: "other@example.com"}}
	tr.WantClass("create another contact with that ID", target.CreateContact(tr.Ctx, other), failure.Conflict)
	tr.Check("create the first contact after the refusal", target.CreateContact(tr.Ctx, supplier()))
}

// lists makes a list before its members.
func lists(tr *trial) {
	target := tr.open()
	if !target.Capabilities().Lists {
		tr.Skip("the target holds no lists")
	}
	tr.Must("create a list before its members", target.CreateList(tr.Ctx, crew()))
	tr.Check("create the same list again", target.CreateList(tr.Ctx, crew()))
	other := crew()
	other.Members = other.Members[:1]
	tr.WantClass("create another list with that ID", target.CreateList(tr.Ctx, other), failure.Conflict)
	if target.Capabilities().CreateAccounts {
		tr.account(target, 0)
		tr.account(target, 1)
	}
	tr.Check("create the same list after its members", target.CreateList(tr.Ctx, crew()))
}
