package spool_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"waybill/imap/spool"
)

func TestWhatWasPutAsideComesBack(t *testing.T) {
	var room spool.Room
	defer room.Close()
	for _, n := range []int{0, 1, 1 << 20, 1<<20 + 1, 3 << 20, 5} {
		text := strings.Repeat("x", n)
		source := strings.NewReader(text + "rest")
		body, err := room.Fill(io.LimitReader(source, int64(n)), int64(n))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		if err != nil || string(got) != text {
			t.Errorf("%d bytes of %d, %v", len(got), n, err)
		}
		if source.Len() != len("rest") {
			t.Errorf("%d bytes are left", source.Len())
		}
		room.Close()
	}
}

// An error of the source is not taken for one of the file.
func TestSourceFails(t *testing.T) {
	var room spool.Room
	defer room.Close()
	broken := errors.New("cut")
	for _, n := range []int64{10, 2 << 20} {
		_, err := room.Fill(io.MultiReader(strings.NewReader("abc"), failing{broken}), n)
		if !errors.Is(err, broken) {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
