//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/pprof"
	"sync"
	"sync/atomic"

	"waybill/format/mapi"
	"waybill/format/mapiitem"
	"waybill/format/mapimail"
	"waybill/format/pst"
)

// decodeProfiled decodes a file several times, with profiles where they are wanted.
func decodeProfiled(ctx context.Context, s settings) error {
	if s.profile != "" {
		f, err := os.Create(s.profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	for range s.again {
		if err := decode(ctx, s.decode); err != nil {
			return err
		}
	}
	if s.allocations == "" {
		return nil
	}
	f, err := os.Create(s.allocations)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("allocs").WriteTo(f, 0), f.Close())
}

// decode reads and converts all items of a file, as many at a time as there are
// cores, and throws the result away.
func decode(ctx context.Context, path string) error {
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return err
	}
	f, err := pst.Open(ctx, r, info.Size(), path, pst.Options{})
	if err != nil {
		return err
	}
	folders, err := f.Folders(ctx)
	if err != nil {
		return err
	}
	var (
		items, bytes atomic.Int64
		failed       atomic.Pointer[error]
		wait         sync.WaitGroup
	)
	queue := make(chan pst.Item, 64)
	for range runtime.GOMAXPROCS(0) {
		wait.Go(func() {
			for item := range queue {
				n, err := convert(ctx, f, item)
				if err != nil {
					failed.CompareAndSwap(nil, &err)
				}
				items.Add(1)
				bytes.Add(n)
			}
		})
	}
	for _, folder := range folders {
		for item, err := range f.Items(ctx, folder.NID) {
			if err != nil {
				failed.CompareAndSwap(nil, &err)
			} else if !item.Associated {
				queue <- item
			}
		}
	}
	close(queue)
	wait.Wait()
	if e := failed.Load(); e != nil {
		return *e
	}
	fmt.Println(items.Load(), "items,", bytes.Load(), "bytes of mail")
	return nil
}

// convert makes a mail, or the text form, of one item.
func convert(ctx context.Context, f *pst.File, item pst.Item) (int64, error) {
	m, err := f.Message(ctx, item.NID)
	if err != nil {
		return 0, err
	}
	if mapiitem.KindOf(item.Class) != 0 {
		x, err := mapiitem.Convert(ctx, m, mapiitem.Options{})
		if err != nil {
			return 0, err
		}
		if x != nil && !x.Mail {
			return drain(x.Open(ctx))
		}
	}
	mail, err := mapimail.Convert(ctx, mapi.Message(m), mapimail.Options{})
	if err != nil {
		return 0, err
	}
	return drain(mail.Open(ctx))
}

func drain(r io.ReadCloser) (int64, error) {
	defer r.Close()
	return io.Copy(io.Discard, r)
}
