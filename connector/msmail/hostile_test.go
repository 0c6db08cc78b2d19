package msmail

import (
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"waybill/directory"
	"waybill/failure"
	"waybill/internal/postoffice"
	"waybill/mail"
)

// FuzzDamage spoils bytes of some files at random. Nothing may panic, every error
// has a class, and what is listed without an error opens, or says why not.
func FuzzDamage(f *testing.F) {
	files, _, err := postoffice.Build(postoffice.Options{Seed: 51, Users: 4, Messages: 12})
	if err != nil {
		f.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(files))
	for seed := range uint64(60) {
		f.Add(seed, uint8(1+seed%30))
	}
	f.Fuzz(func(t *testing.T, seed uint64, many uint8) {
		rng := rand.New(rand.NewPCG(seed, 7))
		spoiled := maps.Clone(files)
		for range many {
			name := names[rng.IntN(len(names))]
			b := slices.Clone(spoiled[name])
			switch {
			case len(b) == 0:
				b = []byte{byte(rng.Uint32()), byte(rng.Uint32())}
			case rng.IntN(4) == 0:
				b = b[:rng.IntN(len(b))]
			default:
				for range 1 + rng.IntN(8) {
					b[rng.IntN(len(b))] = byte(rng.Uint32())
				}
			}
			spoiled[name] = b
		}
		s := &source{close: func() error { return nil }}
		if s.opt, err = optionsOf(location("")); err != nil {
			t.Fatal(err)
		}
		if err := s.read(t.Context(), spoiled.FS()); err != nil {
			classed(t, "open", err)
			return
		}
		for u, err := range s.Users(t.Context()) {
			if err != nil {
				classed(t, u.ID, err)
				continue
			}
			walkAll(t, s, u)
		}
	})
}

func walkAll(t *testing.T, s *source, u directory.User) {
	t.Helper()
	box, err := s.Mailbox(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	folders, err := box.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		for msg, err := range box.Messages(t.Context(), f.Path) {
			if err != nil {
				classed(t, msg.Key, err)
				if raw, err := s.RawFiles(t.Context(), u.ID, f.Path, msg.Key); err == nil && msg.Key != "" {
					for _, file := range raw {
						if _, err := s.CopyRaw(t.Context(), io.Discard, file.Name); err != nil {
							classed(t, file.Name, err)
						}
					}
				}
				continue
			}
			drain(t, box.(*mailbox), f.Path, msg)
		}
	}
}

func drain(t *testing.T, box *mailbox, path mail.Path, msg mail.Message) {
	t.Helper()
	r, err := box.Open(t.Context(), path, msg)
	if err == nil {
		_, err = io.Copy(io.Discard, r)
		err = errors.Join(err, r.Close())
	}
	if err != nil {
		classed(t, msg.Key, err)
	}
}

// classed wants an error that is no fault of our own.
func classed(t *testing.T, what string, err error) {
	t.Helper()
	if class := failure.ClassOf(err); class == failure.Internal || class == failure.Usage && failure.RuleOf(err) != "msmail.no-postoffice" {
		t.Errorf("%s: %v (%s)", what, err, class)
	}
}
