package sitestore_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"waybill/directory"
	"waybill/failure"
	"waybill/mail"
	"waybill/sitestore"
)

var errBroken = errors.New("the disk is broken")

// broken is an item whose reader fails at its end.
func broken(b []byte) sitestore.Incoming {
	return sitestore.Incoming{Open: func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(io.MultiReader(bytes.NewReader(b), failing{})), nil
	}}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errBroken }

// sound checks a site and fails for each problem.
func sound(t testing.TB, s *sitestore.Store) sitestore.Checked {
	t.Helper()
	c, err := s.Check(t.Context(), func(p sitestore.Problem) { t.Errorf("problem: %v", p) })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEqualBodiesAreStoredOnce(t *testing.T) {
	s := newSite(t, "anna", "bert")
	small, large := body(1, 4000), body(2, 2<<20)
	both := []sitestore.Incoming{incoming(small), incoming(large), incoming(small), incoming(large)}
	for _, account := range []string{"anna", "bert"} {
		m := open(t, s, "", account)
		for range 2 {
			if _, err := m.Append(t.Context(), mail.Inbox, 0, both); err != nil {
				t.Fatal(err)
			}
		}
	}
	d, err := s.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d.Messages != 16 || d.Bodies != 2 || d.BodyBytes != int64(len(small)+len(large)) {
		t.Errorf("%d messages have %d bodies of %d bytes", d.Messages, d.Bodies, d.BodyBytes)
	}
	// Bodies that were found to be there already are not left in the segments.
	if d.SegmentBytes > d.StoredBytes+int64(len(large)) {
		t.Errorf("segments take %d bytes for bodies of %d", d.SegmentBytes, d.StoredBytes)
	}
	if d.Shared() < 7.9 || d.Compression() < 1.1 {
		t.Errorf("shared %.1f, compressed %.1f", d.Shared(), d.Compression())
	}
	sound(t, s)
}

func TestManyWritersAtOnce(t *testing.T) {
	const writers, batches, size = 8, 6, 20
	var accounts []string
	for w := range writers {
		accounts = append(accounts, fmt.Sprintf("user%d", w))
	}
	s := newSite(t, accounts...)
	var group sync.WaitGroup
	for w, account := range accounts {
		m := open(t, s, "", account)
		group.Go(func() {
			for b := range batches {
				var items []sitestore.Incoming
				for i := range size {
					items = append(items, incoming(body(b*size+i+w%2*10000, 3000), fmt.Sprintf("w%d", w), fmt.Sprintf("b%d", b)))
				}
				out, err := m.Append(t.Context(), mail.Inbox, 0, items)
				if err != nil {
					t.Errorf("%s: %v", account, err)
					return
				}
				for i, o := range out {
					_, r, err := m.Open(t.Context(), mail.Inbox, o.UID)
					if err != nil {
						t.Errorf("%s: %v", account, err)
						return
					}
					got, err := io.ReadAll(r)
					if err != nil || !bytes.Equal(got, body(b*size+i+w%2*10000, 3000)) {
						t.Errorf("%s: message %d differs, %v", account, o.UID, err)
					}
					_ = r.Close()
				}
			}
		})
	}
	group.Wait()
	c := sound(t, s)
	if c.Messages != writers*batches*size || c.Bodies != 2*batches*size {
		t.Errorf("%d messages, %d bodies", c.Messages, c.Bodies)
	}
}

// pattern is an endless reader that is not quite compressible.
type pattern struct{ x uint64 }

func (p *pattern) Read(b []byte) (int, error) {
	for i := range b {
		p.x = p.x*6364136223846793005 + 1442695040888963407
		b[i] = byte(p.x>>56)&0x3f + ' '
	}
	return len(b), nil
}

func TestLargeBodyStreams(t *testing.T) {
	size := int64(200 << 20)
	if testing.Short() {
		size = 64 << 20
	}
	s := newSite(t, "anna")
	m := open(t, s, "", "anna")
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var peak atomic.Uint64
	measured := func(r io.Reader) io.Reader {
		n := 0
		return readFunc(func(p []byte) (int, error) {
			if n++; n%256 == 0 {
				runtime.ReadMemStats(&now)
				if now.HeapInuse > peak.Load() {
					peak.Store(now.HeapInuse)
				}
			}
			return r.Read(p)
		})
	}
	sum := sha256.New()
	out, err := m.Append(t.Context(), mail.Inbox, 0, []sitestore.Incoming{{Open: func(context.Context) (io.ReadCloser, error) {
		sum.Reset()
		return io.NopCloser(measured(io.TeeReader(io.LimitReader(&pattern{}, size), sum))), nil
	}}})
	if err != nil || out[0].Err != nil {
		t.Fatal(err, out)
	}
	msg, r, err := m.Open(t.Context(), mail.Inbox, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	back := sha256.New()
	n, err := io.Copy(back, measured(r))
	if err != nil || n != size || msg.Size != size {
		t.Fatalf("read %d bytes of %d: %v", n, msg.Size, err)
	}
	if !bytes.Equal(sum.Sum(nil), back.Sum(nil)) || !bytes.Equal(msg.Digest[:], back.Sum(nil)) {
		t.Error("the body differs")
	}
	if used := int64(peak.Load()) - int64(before.HeapInuse); used > 40<<20 {
		t.Errorf("a body of %d MB took %d MB of memory", size>>20, used>>20)
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func TestCancelledAppendStoresNothing(t *testing.T) {
	s := newSite(t, "anna")
	m := open(t, s, "", "anna")
	ctx, cancel := context.WithCancel(t.Context())
	items := []sitestore.Incoming{incoming(body(1, 100)), {Open: func(context.Context) (io.ReadCloser, error) {
		cancel()
		return io.NopCloser(bytes.NewReader(body(2, 2<<20))), nil
	}}}
	if _, err := m.Append(ctx, mail.Inbox, 0, items); failure.ClassOf(err) != failure.Cancelled {
		t.Fatalf("answer %v", err)
	}
	if f, err := m.Folder(t.Context(), mail.Inbox); err != nil || f.Messages != 0 || f.UIDNext != 1 {
		t.Errorf("folder %+v, %v", f, err)
	}
	if _, err := m.Append(t.Context(), mail.Inbox, 0, items[:1]); err != nil {
		t.Error(err)
	}
	sound(t, s)
}

func TestDamageIsFound(t *testing.T) {
	s := newSite(t, "anna")
	m := open(t, s, "", "anna")
	for i, size := range []int{5000, 5000, 2 << 20} {
		if _, err := m.Append(t.Context(), mail.Inbox, 0, []sitestore.Incoming{incoming(body(i+1, size))}); err != nil {
			t.Fatal(err)
		}
	}
	files, _ := filepath.Glob(s.Path() + ".d/*.seg")
	if len(files) != 1 {
		t.Fatalf("segments %v", files)
	}
	f, err := os.OpenFile(files[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{300, info.Size() - 100} {
		var b [1]byte
		if _, err := f.ReadAt(b[:], at); err != nil {
			t.Fatal(err)
		}
		b[0] ^= 0x55
		if _, err := f.WriteAt(b[:], at); err != nil {
			t.Fatal(err)
		}
	}
	var problems []string
	if _, err := s.Check(t.Context(), func(p sitestore.Problem) { problems = append(problems, p.String()) }); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(problems, "\n")
	if len(problems) != 4 || !strings.Contains(all, "anna/INBOX UID 1 ") || !strings.Contains(all, "anna/INBOX UID 3 ") || strings.Contains(all, "UID 2 ") {
		t.Errorf("problems:\n%s", all)
	}
	for uid, damaged := range map[uint32]bool{1: true, 2: false, 3: true} {
		_, r, err := m.Open(t.Context(), mail.Inbox, uid)
		if err == nil {
			_, err = io.Copy(io.Discard, r)
			_ = r.Close()
		}
		if damaged != (failure.ClassOf(err) == failure.Malformed && err != nil) {
			t.Errorf("reading message %d: %v", uid, err)
		}
	}
}

// TestFolderNumbers plays at random with a folder and compares it with a model.
func TestFolderNumbers(t *testing.T) {
	s := newSite(t)
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		account := fmt.Sprintf("user%d", round)
		if err := s.AddAccount(t.Context(), directory.User{ID: account}); err != nil {
			rt.Fatal(err)
		}
		n, _ := s.Session("", "")
		m, err := n.Mailbox(t.Context(), account, true)
		if err != nil {
			rt.Fatal(err)
		}
		defer m.Close()
		model := map[uint32]mail.FlagSet{}
		next, modseq := uint32(1), int64(1)
		word := rapid.SliceOfN(rapid.SampledFrom([]string{`\Seen`, `\Draft`, "Work", "work", "ü b", "$Forwarded"}), 0, 3)
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			switch uid := uint32(rapid.IntRange(1, int(next)).Draw(rt, "uid")); rapid.IntRange(0, 2).Draw(rt, "step") {
			case 0:
				flags := mail.NewFlagSet(0, word.Draw(rt, "flags")...)
				item := incoming(body(int(next), 50))
				item.Flags = flags
				if _, err := m.Append(t.Context(), mail.Inbox, 0, []sitestore.Incoming{item}); err != nil {
					rt.Fatal(err)
				}
				model[next] = flags
				next++
			case 1:
				was, there := model[uid]
				want := mail.NewFlagSet(0, word.Draw(rt, "flags")...)
				err := m.SetFlags(t.Context(), mail.Inbox, uid, was, want)
				if (err == nil) != there {
					rt.Fatalf("set flags of %d: %v", uid, err)
				}
				if there {
					model[uid] = want
					if err := m.SetFlags(t.Context(), mail.Inbox, uid, mail.NewFlagSet(0, "never"), want); failure.ClassOf(err) != failure.Conflict {
						rt.Fatalf("set flags of %d that are not there: %v", uid, err)
					}
				}
			case 2:
				_, there := model[uid]
				if err := m.Expunge(t.Context(), mail.Inbox, uid); (err == nil) != there {
					rt.Fatalf("expunge %d: %v", uid, err)
				}
				delete(model, uid)
			}
			f, err := m.Folder(t.Context(), mail.Inbox)
			if err != nil || f.UIDNext != next || f.Messages != int64(len(model)) || f.HighestModSeq < modseq {
				rt.Fatalf("folder %+v, want UIDNEXT %d and %d messages, %v", f, next, len(model), err)
			}
			modseq = f.HighestModSeq
		}
		list, err := m.List(t.Context(), mail.Inbox, 1, 100)
		if err != nil || len(list) != len(model) {
			rt.Fatalf("listed %d of %d, %v", len(list), len(model), err)
		}
		for _, msg := range list {
			if !msg.Flags.Equal(model[msg.UID]) || msg.ModSeq > modseq {
				rt.Fatalf("message %d has %v, want %v", msg.UID, msg.Flags, model[msg.UID])
			}
		}
	})
	sound(t, s)
}
