package directory

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"waybill/failure"
)

func TestReadUserMap(t *testing.T) {
	anna := MapRow{Line: 2, User: "anna", Account: "a.berg", Name: "Berg, Anna"}
	for _, c := range []struct {
		name, text string
		want       []MapRow
	}{
		{"commas", "user,account,name\nanna,a.berg,\"Berg, Anna\"\n", []MapRow{anna}},
		{"semicolons", "user;account;name\nanna;a.berg;Berg, Anna\n", []MapRow{anna}},
		{"tabs", "user\taccount\tname\nanna\ta.berg\tBerg, Anna\n", []MapRow{anna}},
		{"tabs around nothing", "user\taccount\tname\nanna\t\tAnna\n\t\t\nbert\t\t\n", []MapRow{{Line: 2, User: "anna", Name: "Anna"}, {Line: 4, User: "bert"}}},
		{"line ends of Windows", "user,account\r\nanna,a\r\n\r\nbert,b\r\n", []MapRow{{Line: 2, User: "anna", Account: "a"}, {Line: 4, User: "bert", Account: "b"}}},
		{"byte order mark", "\xef\xbb\xbfuser\nanna\n", []MapRow{{Line: 2, User: "anna"}}},
		{"no line end at the end", "user\nanna", []MapRow{{Line: 2, User: "anna"}}},
		{"columns in another order and spelling", " Account ,USER\na,anna\n", []MapRow{{Line: 2, User: "anna", Account: "a"}}},
		{"columns without a name", "user,,account\nanna,remark,a\n", []MapRow{{Line: 2, User: "anna", Account: "a"}}},
		{"spaces", "user , action\n anna , SKIP \n", []MapRow{{Line: 2, User: "anna", Action: "skip"}}},
		{"user alone", "user,account,name\nanna\n", []MapRow{{Line: 2, User: "anna"}}},
		{"empty fields behind the last column", "user,account\nanna,a,,\n", []MapRow{{Line: 2, User: "anna", Account: "a"}}},
		{"comments", "# who, goes, where\n\nuser;account\n# bert;b\nanna;a\n", []MapRow{{Line: 5, User: "anna", Account: "a"}}},
		{"a quoted user is no comment", "user\n\"#anna\"\n", []MapRow{{Line: 2, User: "#anna"}}},
		{"empty lines and lines of separators", "user,account\n\n,\nanna,\n  ,\n", []MapRow{{Line: 4, User: "anna"}}},
		{"lines inside quotes are counted", "user,name\nanna,\"one\ntwo\"\nbert,b\n", []MapRow{{Line: 2, User: "anna", Name: "one\ntwo"}, {Line: 4, User: "bert", Name: "b"}}},
		{"addresses", "user,address\nanna,anna@example.org%MS:NET/PO/ANNA; ab@example.org\n",
			[]MapRow{{Line: 2, User: "anna", Address: []Address{{SMTP, "anna@example.org"}, {MS, "NET/PO/ANNA"}, {SMTP, "ab@example.org"}}}}},
		{"an X.400 address has semicolons of its own", "user,address\nanna,a@example.org;x400:C=DE;A= ;P=Org;S=Berg;%MS:N/P/A\n",
			[]MapRow{{Line: 2, User: "anna", Address: []Address{{SMTP, "a@example.org"}, {X400, "C=DE;A= ;P=Org;S=Berg;"}, {MS, "N/P/A"}}}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ReadUserMap("map.csv", strings.NewReader(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if m.File != "map.csv" || !reflect.DeepEqual(m.Rows, c.want) {
				t.Errorf("rows are\n%+v, want\n%+v", m.Rows, c.want)
			}
		})
	}
}

func TestFaultsOfUserMaps(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string // "line rule", one for each fault
	}{
		{"nothing", "", []string{"1 map.empty"}},
		{"a comment only", "# nobody\n", []string{"1 map.empty"}},
		{"a header only", "user,account\n", []string{"2 map.empty"}},
		{"UTF-16", "\xff\xfeu\x00s\x00e\x00r\x00", []string{"1 map.encoding"}},
		{"UTF-16, the other way", "\xfe\xff\x00u\x00s", []string{"1 map.encoding"}},
		{"Latin-1", "user,name\nanna,M\xfcller\n", []string{"2 map.encoding"}},
		{"no column user", "account,name\na,b\n", []string{"1 map.column"}},
		{"unknown column", "user,acount\nanna,a\n", []string{"1 map.column"}},
		{"column twice", "user,name,Name\nanna,a,b\n", []string{"1 map.column"}},
		{"header behind comments", "# one\n\nusers\nanna\n", []string{"3 map.column"}},
		{"too few fields", "user,account,name\nanna,a\n", []string{"2 map.fields"}},
		{"too many fields", "user,name\nanna,Berg, Anna\n", []string{"2 map.fields"}},
		{"no user", "user,account\n,a\n", []string{"2 map.user"}},
		{"no user, only an address", "user,address\n,a@example.org\n", []string{"2 map.user"}},
		{"no user, only a remark", "user,\n,x\n", []string{"2 map.user"}},
		{"unknown action", "user,action\nanna,move\n", []string{"2 map.action"}},
		{"user twice", "user\nanna\nbert\nanna\n", []string{"4 map.duplicate"}},
		{"address", "user,address\nanna,a@example.org%anna\n", []string{"2 map.address"}},
		{"open quote", "user,name\nanna,\"Anna\nbert,b\n", []string{"2 map.quoting"}},
		{"quote inside", "user,name\nanna,An\"na\n", []string{"2 map.quoting"}},
		{"open quote in the header", "user,\"name\n", []string{"1 map.quoting"}},
		{"every fault is told", "user,action\r\nanna,x\r\n\r\nbert,\r\n,skip\r\nbert,skip\r\ncora,\"x\r\n",
			[]string{"2 map.action", "5 map.user", "6 map.duplicate", "7 map.quoting"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ReadUserMap("map.csv", strings.NewReader(c.text))
			if err == nil {
				t.Fatalf("read: %+v", m.Rows)
			}
			if got := faultsOf(t, err); !reflect.DeepEqual(got, c.want) {
				t.Errorf("faults are %q, want %q: %v", got, c.want, err)
			}
		})
	}
}

// faultsOf lists line and rule of every fault, and checks that each is of use.
func faultsOf(t testing.TB, err error) (list []string) {
	t.Helper()
	faults := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		faults = joined.Unwrap()
	}
	for _, f := range faults {
		e, ok := errors.AsType[*failure.Error](f)
		if !ok || e.Class != failure.Usage || e.Remedy == "" {
			t.Fatalf("fault %#v: want class usage and a remedy", f)
		}
		var line int
		if _, err := fmt.Sscanf(e.Where, "map.csv line %d", &line); err != nil {
			t.Fatalf("fault is at %q", e.Where)
		}
		list = append(list, fmt.Sprint(line, " ", e.Rule))
	}
	return list
}

func TestUserMapThatCannotBeRead(t *testing.T) {
	for _, start := range []string{"", "user\nanna\n"} {
		broken := failure.New(failure.Transient, "read", "disk", "test.disk", nil)
		_, err := ReadUserMap("map.csv", io.MultiReader(strings.NewReader(start), iotest.ErrReader(broken)))
		if failure.ClassOf(err) != failure.Transient || failure.RuleOf(err) != "map.read" {
			t.Errorf("after %q: %v", start, err)
		}
	}
}

// A map that is cut off would leave users out without a word.
func TestUserMapOverTheLimit(t *testing.T) {
	const text = "user\nanna\nbert\n"
	if m, err := readUserMap("map.csv", strings.NewReader(text), int64(len(text))); err != nil || len(m.Rows) != 2 {
		t.Errorf("at the limit: %v", err)
	}
	for limit := range int64(len(text)) {
		_, err := readUserMap("map.csv", strings.NewReader(text), limit)
		if failure.ClassOf(err) != failure.TooLarge || failure.RuleOf(err) != "map.too-large" {
			t.Fatalf("limit %d: %v", limit, err)
		}
	}
}

func FuzzReadUserMap(f *testing.F) {
	for _, s := range []string{"user,account,name,address,action\nanna,a,\"Berg, Anna\",a@example.org%MS:N/P/A,create\n", "user,source-login,source-password,target-login,target-password\nanna,a,file:x,b,env:Y\n", "\xef\xbb\xbfuser\tname\r\nanna\t\r\n",
		"# x\nuser;address\nanna;\"a@b;X400:C=DE;S=x;\"\n", "\xff\xfeu", "user\n\"a\n", "user,,\n,,\na\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := ReadUserMap("map.csv", strings.NewReader(string(text)))
		if err != nil {
			faultsOf(t, err)
			return
		}
		seen := map[string]bool{}
		lines := 1 + strings.Count(string(text), "\n")
		for _, r := range m.Rows {
			if r.User == "" || seen[r.User] || r.Line < 1 || r.Line > lines {
				t.Fatalf("row %+v of %d lines", r, lines)
			}
			seen[r.User] = true
		}
		// What was understood, written anew, means the same.
		again, err := ReadUserMap("map.csv", strings.NewReader(writeMap(m)))
		if err != nil {
			t.Fatalf("%v in\n%s", err, writeMap(m))
		}
		if len(again.Rows) != len(m.Rows) {
			t.Fatalf("%d rows became %d", len(m.Rows), len(again.Rows))
		}
		for i := range m.Rows {
			want, got := m.Rows[i], again.Rows[i]
			want.Line, got.Line = 0, 0
			if !reflect.DeepEqual(want, got) {
				t.Fatalf("%+v became %+v", want, got)
			}
		}
	})
}

// writeMap writes every field in quotes, so that nothing is taken for a comment
// or for spaces around a field.
func writeMap(m *UserMap) string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write(mapColumns)
	w.Flush()
	for _, r := range m.Rows {
		var addresses []string
		for _, a := range r.Address {
			addresses = append(addresses, a.String())
		}
		for i, field := range []string{r.User, r.Account, r.Name, strings.Join(addresses, "%"), r.Action, r.SourceLogin, r.SourcePassword, r.TargetLogin, r.TargetPassword} {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"` + strings.ReplaceAll(field, `"`, `""`) + `"`)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
