package connector

// Wrapper is a Source, or a mailbox of one, that stands before another and changes
// some of what it gives. What the other offers beyond the contract is found
// through it, see Find.
type Wrapper interface {
	// Wrapped is the Source or SourceMailbox behind this one.
	Wrapped() any
}

// maxWrapped bounds how many wrappers stand before each other.
const maxWrapped = 16

// Find gives v as a T, one of the optional interfaces: v itself, or else the first
// behind it that is one. Whoever asks a source or its mailboxes for something
// optional asks in this way, so that a wrapper takes nothing away by being there.
// A wrapper that has to answer differently implements T itself.
func Find[T any](v any) (found T, ok bool) {
	for range maxWrapped {
		if found, ok = v.(T); ok {
			return found, true
		}
		w, wraps := v.(Wrapper)
		if !wraps {
			return found, false
		}
		v = w.Wrapped()
	}
	return found, false
}
