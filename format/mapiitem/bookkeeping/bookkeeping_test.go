package bookkeeping

import (
	"testing"

	"waybill/format/mapi"
)

func TestWhatPeopleWroteIsNoBookkeeping(t *testing.T) {
	for id, want := range map[mapi.ID]bool{0x0E08: true, 0x300B: true, 0x67F2: true, 0x3A08: false, 0x3A0F: false, 0x3414: false, mapi.Subject: false} {
		if Tag(id) != want {
			t.Errorf("0x%04X: %v", uint16(id), !want)
		}
	}
	for n, want := range map[mapi.Name]bool{
		{Set: mapi.SetCommon, ID: 0x8510}: true, {Set: mapi.SetCommon, ID: 0x8530}: false, {Set: mapi.SetAddress, ID: 0x8083}: false,
		{Set: mapi.PublicStrings, Text: "Kundennummer"}: false, {Set: mapi.PublicStrings, Text: "http://schemas.microsoft.com/x"}: true,
		{Set: mapi.PublicStrings, Text: "content-class"}: true,
	} {
		if Name(n) != want {
			t.Errorf("%+v: %v", n, !want)
		}
	}
}
