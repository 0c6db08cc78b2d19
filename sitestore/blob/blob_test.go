package blob_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"waybill/failure"
	"waybill/sitestore/blob"
)

func dir(t testing.TB) *blob.Dir {
	t.Helper()
	d := blob.Open(t.TempDir())
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

func at(end int64) func() (int64, error) { return func() (int64, error) { return end, nil } }

func acquire(t testing.TB, d *blob.Dir, id, end int64) *blob.Segment {
	t.Helper()
	s, err := d.Acquire(id, at(end))
	if err != nil || s == nil {
		t.Fatalf("segment %d: %v, %v", id, s, err)
	}
	return s
}

func readAll(t testing.TB, d *blob.Dir, loc blob.Location, digest blob.Digest) ([]byte, error) {
	t.Helper()
	r, err := d.Open(t.Context(), loc, digest)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(r)
	if cerr := r.Close(); cerr != nil {
		t.Error(cerr)
	}
	return b, err
}

type stored struct {
	body []byte
	loc  blob.Location
}

// TestSegments puts bodies of all kinds, gives some up, commits some, and reads
// back everything that was committed.
func TestSegments(t *testing.T) {
	d := dir(t)
	id := int64(0)
	rapid.Check(t, func(rt *rapid.T) {
		id++
		s := acquire(t, d, id, 0)
		var kept, fresh []stored
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			size := rapid.SampledFrom([]int{0, 1, 100, 5000, 70_000, blob.SmallBody, blob.SmallBody + 1, 3_000_000}).Draw(rt, "size")
			unit := rapid.SliceOfN(rapid.Byte(), 1, 40).Draw(rt, "body")
			body := bytes.Repeat(unit, size/len(unit)+1)[:size]
			switch rapid.IntRange(0, 5).Draw(rt, "step") {
			case 0, 1:
				loc, err := s.Put(body)
				if err != nil {
					rt.Fatal(err)
				}
				fresh = append(fresh, stored{body, loc})
			case 2:
				loc, digest, readErr, err := s.PutStream(bytes.NewReader(body))
				if readErr != nil || err != nil || digest != sha256.Sum256(body) {
					rt.Fatal(readErr, err)
				}
				fresh = append(fresh, stored{body, loc})
			case 3:
				before := s.End()
				_, _, readErr, err := s.PutStream(io.MultiReader(bytes.NewReader(body), broken{}))
				if readErr == nil || err != nil || s.End() != before {
					rt.Fatalf("a broken reader gives %v, %v; end %d, before %d", readErr, err, s.End(), before)
				}
			case 4:
				if err := s.Sync(); err != nil {
					rt.Fatal(err)
				}
				s.Commit()
				kept, fresh = append(kept, fresh...), nil
			case 5:
				s.Rollback()
				fresh = nil
			}
		}
		if err := s.Release(); err != nil {
			rt.Fatal(err)
		}
		for i, k := range kept {
			got, err := readAll(t, d, k.loc, sha256.Sum256(k.body))
			if err != nil || !bytes.Equal(got, k.body) {
				rt.Fatalf("body %d: %d bytes of %d, %v", i, len(got), len(k.body), err)
			}
		}
		if s := d.Idle(); s == nil {
			rt.Fatal("the segment was not kept for the next writer")
		} else if err := s.Discard(); err != nil {
			rt.Fatal(err)
		}
	})
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestLeftoversAreCutOff(t *testing.T) {
	path := t.TempDir()
	d := blob.Open(path)
	defer d.Close()
	s := acquire(t, d, 1, 0)
	if other, err := d.Acquire(1, at(0)); other != nil || err != nil {
		t.Fatalf("one segment has two writers: %v, %v", other, err)
	}
	if _, err := s.Put([]byte("first")); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	s.Commit()
	end := s.End()
	if _, err := s.Put(bytes.Repeat([]byte("leftover"), 100_000)); err != nil {
		t.Fatal(err)
	}
	if err := s.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := s.Discard(); err != nil {
		t.Fatal(err)
	}
	s = acquire(t, d, 1, end)
	info, err := os.Stat(filepath.Join(path, "00000001.seg"))
	if err != nil || info.Size() != end || s.End() != end {
		t.Errorf("file has %d bytes, segment ends at %d, want %d, %v", info.Size(), s.End(), end, err)
	}
	if err := s.Discard(); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Acquire(1, at(end+1)); failure.ClassOf(err) != failure.Malformed {
		t.Errorf("a segment that is too short: %v", err)
	}
}

// FuzzDamaged reads bodies from a segment of arbitrary bytes: it fails properly
// or gives what was asked for.
func FuzzDamaged(f *testing.F) {
	f.Add([]byte("plain"), int64(5), byte(0))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, 0x00, 0x00}, int64(0), byte(1))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0xff, 0xff, 0xff, 0x7f}, int64(1<<40), byte(1))
	f.Add([]byte{}, int64(1<<21), byte(2))
	f.Add([]byte{5, 16, 'p', 'l', 'a', 'i', 'n'}, int64(5), byte(2))
	f.Fuzz(func(t *testing.T, stored []byte, size int64, encoding byte) {
		path := t.TempDir()
		if err := os.WriteFile(filepath.Join(path, "00000001.seg"), append([]byte("WAYBILL SEG 1\r\n\x00"), stored...), 0o600); err != nil {
			t.Fatal(err)
		}
		d := blob.Open(path)
		defer d.Close()
		loc := blob.Location{Segment: 1, Offset: 16, Stored: int64(len(stored)), Size: size, Encoding: blob.Encoding(encoding)}
		digest := sha256.Sum256([]byte("plain"))
		got, err := readAll(t, d, loc, digest)
		if err == nil && sha256.Sum256(got) != digest {
			t.Errorf("%d bytes were given for something else", len(got))
		}
		if err != nil && failure.ClassOf(err) != failure.Malformed {
			t.Errorf("class %v: %v", failure.ClassOf(err), err)
		}
	})
}
