package mapi

import "testing"

func TestLocaleCodePage(t *testing.T) {
	for lcid, want := range map[uint32]int{
		0: 0, 0x0409: 1252, 0x0407: 1252, 0x0419: 1251, 0x0411: 932, 0x0804: 936, 0x0404: 950, 0x0C04: 950,
		0x041A: 1250, 0x0C1A: 1251, 0x041F: 1254, 0x10409: 1252, 0x041E: 874,
	} {
		if got := LocaleCodePage(lcid); got != want {
			t.Errorf("locale 0x%04X: %d, want %d", lcid, got, want)
		}
	}
}
