package index

import "strings"

// Many gathers rows and inserts them many at a time, with statements of two
// sizes that stay prepared.
type Many struct {
	tx      *Tx
	head    string
	columns int
	args    []any
}

const rowsAtOnce = 50

// Many begins inserting rows of so many columns; head is the statement up to and
// with VALUES.
func (t *Tx) Many(head string, columns int) *Many {
	return &Many{tx: t, head: head, columns: columns}
}

// Add takes one row.
func (n *Many) Add(row ...any) error {
	if n.args == nil {
		n.args = make([]any, 0, rowsAtOnce*n.columns)
	}
	n.args = append(n.args, row...)
	if len(n.args) < rowsAtOnce*n.columns {
		return nil
	}
	err := n.tx.Exec(n.text(rowsAtOnce), n.args...)
	n.args = n.args[:0]
	return err
}

// Flush inserts the rows that are left.
func (n *Many) Flush() error {
	for len(n.args) > 0 {
		if err := n.tx.Exec(n.text(1), n.args[:n.columns]...); err != nil {
			return err
		}
		n.args = n.args[n.columns:]
	}
	return nil
}

func (n *Many) text(rows int) string {
	one := "(?" + strings.Repeat(",?", n.columns-1) + ")"
	return n.head + one + strings.Repeat(","+one, rows-1)
}
