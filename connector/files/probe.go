package files

import (
	"os"
	"os/user"
	"path/filepath"

	"waybill/rights"
)

// ProbeDir tells whether mailboxes can be made in a directory, or in the one
// above it where it is not there yet, without changing anything.
func ProbeDir(dir string) rights.Finding {
	who := "the user who runs this"
	if u, err := user.Current(); err == nil {
		who = u.Username
	}
	f := rights.Finding{Action: "make directories and files", Identity: who, Where: dir, Needed: "write and search permission on the directory", OK: true}
	for at := filepath.Clean(dir); ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		if os.IsNotExist(err) && at != filepath.Dir(at) {
			continue
		}
		switch {
		case err != nil:
			f.OK, f.Detail = false, err.Error()
		case !info.IsDir():
			f.OK, f.Detail = false, at+" is not a directory"
		default:
			if err := writable(at); err != nil {
				f.OK, f.Detail = false, at+": "+err.Error()
				f.Grant = "chown " + who + " " + at + " (or run as the owner of the mail)"
			}
		}
		return f
	}
}
