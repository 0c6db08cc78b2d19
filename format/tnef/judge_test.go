package tnef

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"waybill/format/mapi"
)

// damaged are streams of which tnef 1.4.18 takes out less than we, and why. It is
// asked again with the damage mended, and must then say the same.
var damaged = map[string]string{
	"mapi_attach_data_obj.tnef": "it stops at the first wrong checksum, though what follows is good",
	"duplicate_filename.tnef":   "it stops at the first wrong checksum, though what follows is good",
	"bad_checksum.tnef":         "it gives nothing of a stream whose last checksum is cut off",
	"panic.tnef":                "it aborts at the garbage in the middle, and loses the attachment before it",
}

// TestAttachmentsAsTnef compares attachments with those that the program tnef takes out.
func TestAttachmentsAsTnef(t *testing.T) {
	program, err := exec.LookPath("tnef")
	if err != nil {
		t.Skip("the program tnef is not installed (package tnef)")
	}
	compared, files := 0, 0
	samples(t, func(name, path string) {
		m, err := openFile(t, path)
		if err != nil {
			return
		}
		ours := digests(t, m)
		if damaged[filepath.Base(path)] != "" {
			path = mended(t, path)
		}
		dir := t.TempDir()
		_ = exec.CommandContext(t.Context(), program, "-C", dir, "--number-backups", "-f", path).Run() // its files say it
		theirs, _ := filepath.Glob(filepath.Join(dir, "*"))
		files++
		for _, file := range theirs {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			compared++
			if len(b) > 16 && (bytes.HasPrefix(b, messageInterface[:]) || bytes.HasPrefix(b, storageInterface[:])) {
				b = b[16:] // it leaves the identifier of the interface before an object
			}
			sum := sha256.Sum256(b)
			if ours[sum] == 0 {
				t.Errorf("%s: %s (%d bytes) is not among ours", name, filepath.Base(file), len(b))
			}
			ours[sum]--
		}
		left := 0
		for _, n := range ours {
			left += max(n, 0)
		}
		if left > 0 {
			t.Errorf("%s: %d attachments that tnef does not have", name, left)
		}
	})
	t.Logf("%d files, %d attachments equal", files, compared)
	if compared < 30 {
		t.Errorf("only %d attachments were compared", compared)
	}
}

// digests counts the SHA-256 of each attachment's contents.
func digests(t *testing.T, m mapi.Message) map[[32]byte]int {
	all := map[[32]byte]int{}
	attachments, err := m.Attachments(t.Context())
	if err != nil {
		t.Log(err)
	}
	for _, a := range attachments {
		d, err := a.Storage(t.Context())
		if err != nil {
			t.Error(err)
		}
		if own := a.(*Attachment); own.isMessage() {
			d = own.object // tnef gives the embedded stream as it is
		}
		if v, ok := a.Props().Get(mapi.AttachData); ok && d == nil {
			d = v.Data
		}
		if d == nil {
			continue
		}
		r, err := d.Open()
		if err != nil {
			t.Error(err)
			continue
		}
		h := sha256.New()
		if _, err := io.Copy(h, r); err != nil {
			t.Log(err)
		}
		_ = r.Close()
		all[[32]byte(h.Sum(nil))]++
	}
	return all
}

// mended copies a stream as far as it is one, with checksums that are right.
func mended(t *testing.T, path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, 0, 0)
	at := streamHeader
	for at+attributeHeader < len(b) && (b[at] == levelMessage || b[at] == levelAttachment) {
		end := at + attributeHeader + int(binary.LittleEndian.Uint32(b[at+5:]))
		if end+2 > len(b) {
			break
		}
		sum := uint16(0)
		for _, c := range b[at+attributeHeader : end] {
			sum += uint16(c)
		}
		binary.LittleEndian.PutUint16(b[end:], sum)
		at = end + 2
	}
	to := filepath.Join(t.TempDir(), "mended.tnef")
	if err := os.WriteFile(to, b[:at], 0o600); err != nil {
		t.Fatal(err)
	}
	return to
}
