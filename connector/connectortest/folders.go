package connectortest

import (
	"fmt"
	"slices"

	"waybill/connector"
	"waybill/connector/connectortest/internal/check"
	"waybill/connector/connectortest/internal/post"
	"waybill/failure"
	"waybill/mail"
)

func folderCases() []testCase {
	return []testCase{
		{"folders/empty", emptyFolders},
		{"folders/nested", nestedFolders},
		{"folders/again", folderAgain},
		{"folders/empty-name", emptyName},
		{"folders/use", folderUse},
		{"folders/delete", deleteFolder},
	}
}

// folders lists the folders, checks their order and returns their paths.
func (tr *trial) folders(mailbox connector.TargetMailbox) []mail.Folder {
	tr.Helper()
	list, err := mailbox.Folders(tr.Ctx)
	tr.Must("list folders", err)
	tr.Ordered(list)
	again, err := mailbox.Folders(tr.Ctx)
	tr.Must("list folders again", err)
	if !slices.Equal(check.Paths(list), check.Paths(again)) {
		tr.Errorf("listing twice gives %q and then %q", check.Paths(list), check.Paths(again))
	}
	return list
}

func (tr *trial) wantFolder(mailbox connector.TargetMailbox, path mail.Path) {
	tr.Helper()
	if have := check.Paths(tr.folders(mailbox)); !slices.Contains(have, path) {
		tr.Errorf("folder %q was created and is not listed in %q", path, have)
	}
}

// emptyFolders finds folders without messages again, also after reopening.
func emptyFolders(tr *trial) {
	d := tr.desk()
	if !d.caps.EmptyFolders {
		tr.Skip("the target keeps no empty folders")
	}
	tr.wantFolder(d.mailbox, d.path)
	d.reopen()
	tr.wantFolder(d.mailbox, d.path)
}

// nestedFolders makes a folder ten levels deep in one call.
func nestedFolders(tr *trial) {
	d := tr.desk()
	var names []string
	for i := range 10 {
		names = append(names, fmt.Sprintf("level %d", i+1))
	}
	path := tr.folder(d.target, d.mailbox, names...)
	shelf := *d
	shelf.path = path
	start := shelf.position()
	shelf.deliver(post.Compose(1))
	tr.wantFolder(d.mailbox, path)
	shelf.wantContents(start, []post.Letter{post.Compose(1)})

	middle := tr.folder(d.target, d.mailbox, names[:5]...)
	shelf.path = middle
	start = shelf.position()
	shelf.deliver(post.Compose(2))
	shelf.wantContents(start, []post.Letter{post.Compose(2)})
	tr.wantFolder(d.mailbox, middle)
}

// folderAgain makes a folder that has messages once more.
func folderAgain(tr *trial) {
	d := tr.desk()
	start := d.position()
	d.deliver(post.Compose(1))
	tr.Check("create a folder that exists", d.mailbox.CreateFolder(tr.Ctx, mail.Folder{Path: d.path}))
	tr.Check("create a folder that exists", d.mailbox.CreateFolder(tr.Ctx, mail.Folder{Path: d.path, Use: mail.UseArchive}))
	d.wantContents(start, []post.Letter{post.Compose(1)})
}

// emptyName wants a refusal for folders without a name.
func emptyName(tr *trial) {
	d := tr.desk()
	before := check.Paths(tr.folders(d.mailbox))
	err := d.mailbox.CreateFolder(tr.Ctx, mail.Folder{Path: ""})
	if err == nil {
		tr.Errorf("a folder without a name was created")
	} else {
		tr.Class("create a folder without a name", err)
	}
	if after := check.Paths(tr.folders(d.mailbox)); !slices.Equal(before, after) {
		tr.Errorf("folders are %q after the refusal, were %q", after, before)
	}
}

// folderUse keeps roles and subscriptions as far as the target promises it.
func folderUse(tr *trial) {
	d := tr.desk()
	if !d.caps.SpecialUse && !d.caps.Subscriptions {
		tr.Skip("the target keeps neither roles nor subscriptions")
	}
	for name, use := range map[string]mail.SpecialUse{
		"Gone out": mail.UseSent, "Half done": mail.UseDrafts, "Bin": mail.UseTrash, "Rubbish": mail.UseJunk, "Cellar": mail.UseArchive, "Nothing": mail.NoUse,
	} {
		stored, _, _ := d.target.FolderName(mail.NewPath(name), 0)
		wanted := mail.Folder{Path: stored, Use: use, Subscribed: use != mail.UseJunk}
		tr.Must("create folder "+name, d.mailbox.CreateFolder(tr.Ctx, wanted))
		if !d.caps.EmptyFolders {
			shelf := *d
			shelf.path = stored
			shelf.deliver(post.Compose(1))
		}
		list := tr.folders(d.mailbox)
		i := slices.IndexFunc(list, func(f mail.Folder) bool { return f.Path == stored })
		if i < 0 {
			tr.Errorf("folder %q was created and is not listed", stored)
			continue
		}
		if d.caps.SpecialUse && list[i].Use != use {
			tr.Errorf("folder %q was created as %q and is listed as %q", stored, use, list[i].Use)
		}
		if d.caps.Subscriptions && list[i].Subscribed != wanted.Subscribed {
			tr.Errorf("folder %q: subscribed is %v, want %v", stored, list[i].Subscribed, wanted.Subscribed)
		}
	}
}

// deleteFolder removes an empty folder and refuses one with mail in it.
func deleteFolder(tr *trial) {
	d := tr.desk()
	start := d.position()
	d.deliver(post.Compose(1))
	tr.WantClass("delete a folder with a message in it", d.mailbox.DeleteFolder(tr.Ctx, d.path), failure.Conflict)
	d.wantContents(start, []post.Letter{post.Compose(1)})
	canary := tr.folder(d.target, d.mailbox, "waybill canary")
	tr.Must("delete an empty folder", d.mailbox.DeleteFolder(tr.Ctx, canary))
	if have := check.Paths(tr.folders(d.mailbox)); slices.Contains(have, canary) {
		tr.Errorf("the deleted folder is listed in %q", have)
	}
	if !slices.Contains(check.Paths(tr.folders(d.mailbox)), d.path) {
		tr.Errorf("deleting one folder took away another")
	}
}
