package maildir

import (
	"strings"

	"waybill/connector/files"
)

// mark ends the part of a name that is ours. A Position is a files.Moment.
const mark = ".waybill"

// parseName reads the name of a file that we delivered.
func parseName(name string) (m files.Moment, n int, ok bool) {
	m, n, rest, ok := files.ParseMomentName(name)
	return m, n, ok && strings.HasPrefix(rest, mark)
}
