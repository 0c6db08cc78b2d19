package files

import (
	"errors"
	"fmt"
	"time"

	"waybill/connector"
	"waybill/failure"
)

// Order numbers the files that a target delivers to one folder. The zero value
// knows nothing of the folder and looks when it is first asked.
type Order struct {
	// newest is the newest moment in the folder, once known is set; next is the
	// number of the next file of the moment batch.
	newest, batch Moment
	next          int
	known         bool
}

// Walk calls f for each file in a folder that was delivered by us, unfinished
// ones included, in no order.
type Walk func(f func(m Moment, n int)) error

// Position begins a new moment: later files get names of that moment or after.
func (o *Order) Position(now time.Time, walk Walk) (connector.Position, error) {
	if err := o.survey(walk); err != nil {
		return "", err
	}
	o.newest = NextMoment(now, o.newest)
	o.batch, o.next = o.newest, 0
	return connector.Position(o.newest.String()), nil
}

// Resume goes on with the moment of a position. An earlier batch may have used
// the same one, so the next number need not be 0.
func (o *Order) Resume(m Moment, walk Walk) error {
	if o.batch == m {
		return nil
	}
	if err := o.survey(walk); err != nil {
		return err
	}
	next := 0
	err := walk(func(have Moment, n int) {
		if have == m {
			next = max(next, n+1)
		}
	})
	if err != nil {
		return err // a number that is too low would replace what was delivered
	}
	o.batch, o.next = m, next
	if o.newest.Compare(m) < 0 {
		o.newest = m
	}
	return nil
}

// Name is how the name of the next file begins.
func (o *Order) Name() string {
	name := o.batch.Name(o.next)
	o.next++
	return name
}

// survey finds the newest moment in the folder.
func (o *Order) survey(walk Walk) error {
	if o.known {
		return nil
	}
	err := walk(func(m Moment, _ int) {
		if o.newest.Compare(m) < 0 {
			o.newest = m
		}
	})
	o.known = err == nil
	return err
}

// ParsePosition reads a position that Order gave to the connector for system.
func ParsePosition(system string, at connector.Position) (Moment, error) {
	m, rest, ok := ParseMoment(string(at))
	if !ok || rest != "" {
		return Moment{}, failure.New(failure.Usage, "read position", fmt.Sprintf("%.60q", at), system+".position",
			errors.New("this connector did not make it"))
	}
	return m, nil
}
