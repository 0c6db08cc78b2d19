package maildir

import (
	"errors"
	"fmt"
	"strings"

	"waybill/connector"
	"waybill/connector/files"
	"waybill/failure"
)

// mark ends the part of a name that is ours. A Position is a files.Moment.
const mark = ".waybill"

// fileBase is the name of the n-th message of the batch, without its size.
func fileBase(m files.Moment, n int) string { return m.Name(n) + mark }

// parseName reads the name of a file that we delivered.
func parseName(name string) (m files.Moment, n int, ok bool) {
	m, n, rest, ok := files.ParseMomentName(name)
	return m, n, ok && strings.HasPrefix(rest, mark)
}

func parsePosition(at connector.Position) (files.Moment, error) {
	m, rest, ok := files.ParseMoment(string(at))
	if !ok || rest != "" {
		return files.Moment{}, failure.New(failure.Usage, "read position", fmt.Sprintf("%.60q", at), "maildir.position",
			errors.New("this connector did not make it"))
	}
	return m, nil
}
