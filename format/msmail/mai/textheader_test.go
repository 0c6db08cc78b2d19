package mai

import (
	"strings"
	"testing"
)

// The samples of KB Q119356 and Q175958.
func TestTextHeader(t *testing.T) {
	line := strings.Repeat("-", 78)
	english := "Microsoft Mail v3.0 IPM.Microsoft Mail.Note\r\nFrom: Administrator\r\nTo:  TEST\r\nSubject:  test\r\nDate: 1997-10-09 10:24\r\nPriority:\r\nMessage ID: EDBA53BE\r\nParent message ID: 935DA930113BD111820200C04FC9A530\r\nConversation ID: TEST\r\n\r\n" + line + "\r\n\r\nHello\r\n"
	h := ParseTextHeader(english)
	if h.Class != "IPM.Microsoft Mail.Note" || h.Subject != "test" || h.MessageID != "EDBA53BE" || h.ParentID != "935DA930113BD111820200C04FC9A530" || h.ConversationID != "TEST" || h.Lines != 11 {
		t.Errorf("%+v", h)
	}
	spanish := "Microsoft Mail v3.0 IPM.Microsoft Mail.Note\nDe: A\nPara: B\nAsunto: hola\nFecha: 1997-10-09 10:24\nPrioridad: 1\nIdent. del mensaje: DE0CFCA6\nIdent. del mensaje principal: B4A878C0\n" + line + "\n"
	if h := ParseTextHeader(spanish); h.Subject != "hola" || h.MessageID != "DE0CFCA6" || h.ParentID != "B4A878C0" || h.Priority != "1" || h.Lines != 9 {
		t.Errorf("%+v", h)
	}
	for _, text := range []string{"", "Hello\n" + line, "From: me\n" + line, "Microsoft Mail v3.0 IPM.Note\nFrom: no end"} {
		if h := ParseTextHeader(text); h.Lines != 0 {
			t.Errorf("%q: %+v", text, h)
		}
	}
}

func FuzzTextHeader(f *testing.F) {
	f.Add("Microsoft Mail v3.0 IPM.Note\nSubject: x\n----------\n")
	f.Fuzz(func(t *testing.T, text string) {
		if h := ParseTextHeader(text); h.Lines > strings.Count(text, "\n")+1 {
			t.Fatalf("%+v", h)
		}
	})
}
