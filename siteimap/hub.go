package siteimap

import "sync"

// hub wakes sessions that look at a folder when another session of this server
// changed it.
type hub struct {
	mu      sync.Mutex
	waiting map[int64]map[chan struct{}]bool // by the folder's number
}

// join asks to be woken; leave ends that.
func (h *hub) join(folder int64) (wake <-chan struct{}, leave func()) {
	c := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.waiting == nil {
		h.waiting = map[int64]map[chan struct{}]bool{}
	}
	if h.waiting[folder] == nil {
		h.waiting[folder] = map[chan struct{}]bool{}
	}
	h.waiting[folder][c] = true
	return c, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.waiting[folder], c)
		if len(h.waiting[folder]) == 0 {
			delete(h.waiting, folder)
		}
	}
}

// changed wakes whoever looks at a folder.
func (h *hub) changed(folder int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.waiting[folder] {
		select {
		case c <- struct{}{}:
		default: // is awake already
		}
	}
}
