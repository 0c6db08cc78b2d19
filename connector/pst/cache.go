package pst

import "sync"

// maxKept bounds the converted items that wait for being opened. The engine
// lists some hundred messages before it opens the first of them.
const maxKept = 600

// cache keeps what the listing converted, so that opening need not do it again.
// The zero value is ready.
type cache struct {
	mu    sync.Mutex
	of    *archive
	kept  map[string]*letter
	order []string
}

func (c *cache) put(from *archive, l *letter) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of != from || c.kept == nil {
		c.of, c.kept, c.order = from, map[string]*letter{}, nil
	}
	key := l.listed.Key
	if c.kept[key] == nil {
		c.order = append(c.order, key)
	}
	c.kept[key] = l
	for len(c.kept) > maxKept || len(c.order) > 4*maxKept {
		delete(c.kept, c.order[0])
		c.order = c.order[1:]
	}
}

// take gives a kept item and forgets it: a message is seldom opened twice.
func (c *cache) take(from *archive, key string) *letter {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of != from {
		return nil
	}
	l := c.kept[key]
	delete(c.kept, key)
	return l
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.of, c.kept, c.order = nil, nil, nil
}
