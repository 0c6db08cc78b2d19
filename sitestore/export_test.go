package sitestore

import "context"

// HoldIndex opens a site and keeps its index locked for writing until release
// is called.
func HoldIndex(path string) (release func() error, err error) {
	s, err := Open(context.Background(), path, Options{Command: "holder"})
	if err != nil {
		return nil, err
	}
	held, give, ended := make(chan error), make(chan struct{}), make(chan error)
	go func() {
		ended <- s.change(context.Background(), "hold", func(*tx) error {
			held <- nil
			<-give
			return nil
		})
	}()
	if err := <-held; err != nil {
		return nil, err
	}
	return func() error { close(give); return <-ended }, nil
}
