package files

import (
	"crypto/rand"
	"encoding/hex"
)

// Token is 16 hexadecimal digits of chance: a name that nobody else has.
func Token() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails; it ends the program instead
	return hex.EncodeToString(b[:])
}
