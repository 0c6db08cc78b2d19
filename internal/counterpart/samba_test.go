package counterpart

import (
	"strings"
	"testing"
)

func TestSamba(t *testing.T) {
	s := NewSamba(t)
	text, err := s.Search(t.Context(), "CN=Users,"+s.Base, "(sAMAccountName=Administrator)", "cn")
	if err != nil || !strings.Contains(text, "cn: Administrator") {
		t.Errorf("%v: %s", err, text)
	}
	if out, err := s.Tool(t.Context(), "user", "create", "op", "Voegel-singen-9"); err != nil {
		t.Error(out, err)
	}
}
