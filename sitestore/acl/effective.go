package acl

import (
	"fmt"
	"slices"
	"strings"
)

// Everybody is the principal that stands for all.
const Everybody = "Everybody"

// Entry is one line of an object's permissions.
type Entry struct {
	Object    DN
	Principal string // compared without case
	Role      Role
	Rights    Rights // of the role at that object, or what is ticked for Custom
}

// Origin tells where rights come from.
type Origin struct {
	Object DN
	Role   Role // empty when the object is open to everybody
	Rights Rights
	// Inherited is true when Object is above the object asked about.
	Inherited bool
	// Open: the object lost all its entries, so that everybody may do everything.
	Open bool
}

func (o Origin) String() string {
	how := "on " + string(o.Object)
	if o.Inherited {
		how = "inherited from " + string(o.Object)
	}
	if o.Open {
		return how + ", which has no permission entries and is open to everybody"
	}
	return fmt.Sprintf("%s %s", o.Role, how)
}

// Effective is what a principal may do with an object, and why.
type Effective struct {
	Principal string
	Object    DN
	Rights    Rights
	Origins   []Origin
}

// Why lists the origins that give right.
func (e Effective) Why(right Rights) []Origin {
	return slices.DeleteFunc(slices.Clone(e.Origins), func(o Origin) bool { return o.Rights&right == 0 })
}

// Held describes the rights in a few words: the roles, or "nothing".
func (e Effective) Held() string {
	if len(e.Origins) == 0 {
		return "nothing"
	}
	var words []string
	for _, o := range e.Origins {
		words = append(words, o.String())
	}
	return strings.Join(words, "; ")
}

// Evaluate computes what principal may do with object. entries are those of all
// objects, or at least of the object's Chain. Rights add up along the chain and
// never cross from one context into another. A root of a context that has no
// entries at all is open to everybody (KB Q241152).
func Evaluate(entries []Entry, principal string, object DN) Effective {
	e := Effective{Principal: principal, Object: object}
	for _, at := range object.Chain() {
		guarded := false
		for _, entry := range entries {
			if entry.Object != at {
				continue
			}
			guarded = true
			if strings.EqualFold(entry.Principal, principal) || strings.EqualFold(entry.Principal, Everybody) {
				e.Origins = append(e.Origins, Origin{Object: at, Role: entry.Role, Rights: entry.Rights, Inherited: at != object})
				e.Rights |= entry.Rights
			}
		}
		if !guarded && at.Level() != Object {
			e.Origins = append(e.Origins, Origin{Object: at, Rights: All, Inherited: at != object, Open: true})
			e.Rights |= All
		}
	}
	return e
}
