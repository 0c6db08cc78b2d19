package entryid

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestGlobalObject(t *testing.T) {
	head := "\x04\x00\x00\x00\x82\x00\xE0\x00\x74\xC5\xB7\x10\x1A\x82\xE0\x08"
	own := head + "\x07\xE8\x05\x0D" + strings.Repeat("\x11", 16) + "\x02\x00\x00\x00\xAB\xCD"
	uid, day := GlobalObject([]byte(own))
	if uid != "040000008200E00074C5B7101A82E00800000000"+strings.Repeat("11", 16)+"02000000ABCD" || day.Format("2006-01-02") != "2024-05-13" {
		t.Error(uid, day)
	}
	if uid, day := GlobalObject([]byte(head + strings.Repeat("\x00", 24) + "vCal-Uid\x01\x00\x00\x00a@b \r\nX:y\x00")); uid != "a@b X:y" || !day.IsZero() {
		t.Errorf("%q %v", uid, day)
	}
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOf(rapid.Byte()).Draw(t, "id")
		if uid, _ := GlobalObject(b); len(b) < 40 && uid != "" || strings.ContainsAny(uid, "\r\n") {
			t.Fatalf("%q", uid)
		}
	})
}
