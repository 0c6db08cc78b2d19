package secret

import (
	"fmt"
	"log/slog"
)

const placeholder = "[secret]"

// Value is a secret. It prints as a placeholder in every format, and as an
// address where a format looks into the fields of another type.
type Value struct{ text *string }

// Of makes a Value of a text.
func Of(text string) Value { return Value{&text} }

// Reveal gives the secret itself, for sending it to its server and nothing else.
func (v Value) Reveal() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

// IsZero reports whether there is no secret, or an empty one.
func (v Value) IsZero() bool { return v.text == nil || *v.text == "" }

func (v Value) String() string               { return placeholder }
func (v Value) GoString() string             { return placeholder }
func (v Value) Format(s fmt.State, _ rune)   { _, _ = s.Write([]byte(placeholder)) }
func (v Value) MarshalText() ([]byte, error) { return []byte(placeholder), nil }

// LogValue keeps the secret out of structured logs.
func (v Value) LogValue() slog.Value { return slog.StringValue(placeholder) }
