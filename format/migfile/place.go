package migfile

import (
	"fmt"

	"waybill/failure"
)

// Place is a position in a migration file.
type Place struct {
	File string
	Line int // from 1; 0 when only the offset is known
	// Offset is in bytes from the start of the file.
	Offset int64
}

func (p Place) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s byte %d", p.File, p.Offset)
	}
	return fmt.Sprintf("%s line %d (byte %d)", p.File, p.Line, p.Offset)
}

// broken makes the error for input that breaks a rule.
func broken(op string, p Place, rule, format string, args ...any) *failure.Error {
	return failure.New(failure.Malformed, op, p.String(), rule, fmt.Errorf(format, args...))
}
