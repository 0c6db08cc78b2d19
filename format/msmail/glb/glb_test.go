package glb

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill/failure"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(s), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestNetworkDump is the record that KB Q148666 prints, in both directions.
func TestNetworkDump(t *testing.T) {
	want := unhex(t, `01 10 4D 53 4D 41 49 4C 00 00 00 00 00 00 00 00 00 00
		00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 30
		30 30 30 30 30 32 45 00`)
	want = append(want, make([]byte, NetworkSize-len(want))...)
	n := Network(want)
	if !n.Active() || n.Kind() != NetworkMSMAIL || n.Name() != "MSMAIL" || n.XTN() != "" || n.Via() != "" || n.Mailbag() != "0000002E" {
		t.Errorf("read as %v %#x %q %q %q", n.Active(), n.Kind(), n.Name(), n.XTN(), n.Mailbag())
	}
	var made Network
	made.SetActive(true)
	made.SetKind(NetworkMSMAIL)
	if made.SetName("MSMAIL") != nil || made.SetMailbag("0000002E") != nil || made.SetXTN("") != nil {
		t.Error("fields do not take their own text")
	}
	if !bytes.Equal(made[:], want) {
		t.Errorf("written as % X", made)
	}
	// Deleting changes one byte.
	made.SetActive(false)
	if made[0] != 0 || !bytes.Equal(made[1:], want[1:]) {
		t.Error("the deletion mark is not the first byte alone")
	}
	// Offsets of records 1, 2, 12 and 45 as the article has them.
	table, err := ReadTable(bytes.NewReader(make([]byte, 45*NetworkSize)), "NETWORK.GLB", 0, NetworkSize)
	if err != nil || table.Len() != 45 || table.Offset(1) != 0x7A || table.Offset(11) != 0x53E || table.Offset(44) != 0x14F8 {
		t.Error(err, table.Len())
	}
}

func TestPrintedValues(t *testing.T) {
	for _, c := range []struct {
		bytes string
		want  uint32
	}{{"4D3C2B1A", 439041101}, {"C82C2C1A", 439102664}, {"29212D1A", 439165225}} { // KB Q122852
		b := append(make([]byte, 4), unhex(t, c.bytes)...)
		control := Control(b)
		if got := control.NextLetter(); uint32(got) != c.want || control.NextMailbag() != 0 {
			t.Errorf("%s is %d", c.bytes, got)
		}
		var made Control
		made.SetNextLetter(ID(c.want))
		if !bytes.Equal(made[:], b) {
			t.Errorf("%d is written % X", c.want, made)
		}
	}
	serial := Counter(unhex(t, "3C564F4D")) // KB Q113149
	if ID(serial.Value()).String() != "4D4F563C" {
		t.Error(serial.Value())
	}
	var made Counter
	made.SetValue(0x4D4F563C)
	if made != serial {
		t.Errorf("% X", made)
	}
	var master Master
	master[0x93] = 0x71 // KB Q148666
	master.SetGateways(master.Gateways() &^ 0x10)
	master.SetEnhancedSecurity(true)
	if master[0x93] != 0x61 || master[0x94] != 1 || !master.EnhancedSecurity() {
		t.Error("MASTER.GLB")
	}
	copy(master[0x10:], "NET1\x00DATA3\x00way too long a word\x00")
	if w := master.Words(); strings.Join(w, " ") != "NET1 DATA3 word" {
		t.Errorf("%q", w)
	}
	var alias Alias // KB Q119563: alias + 0x27 is the id, the last four bytes
	alias.SetID(0x03020100)
	if !bytes.Equal(alias[41:], []byte{0, 1, 2, 3}) || alias.ID().String() != "03020100" {
		t.Errorf("% X", alias)
	}
	var po RemotePO // KB Q86625
	po.SetActive(true)
	po.SetIndirect(1)
	if po.SetName("HUB") != nil || po[0] != 1 || po[1] != 'H' || po[0x289] != 1 || po[0x28A] != 0 || po.Indirect() != 1 || po.Name() != "HUB" {
		t.Error("XTN")
	}
	xtn, _ := ReadTable(bytes.NewReader(make([]byte, 3015)), "00000001.XTN", 0, XTNSize) // KB Q128243
	if xtn.Len() != 4 || len(xtn.Stray) != 223 || xtn.Offset(3) != 0x2BA*3 || xtn.Offset(19) != 0x33CE {
		t.Error(xtn.Len(), len(xtn.Stray))
	}
}

// TestEmptyPostoffice checks the size rules against the empty postoffice of KB
// Q135868.
func TestEmptyPostoffice(t *testing.T) {
	for name, size := range map[string]int64{"ACCESS.GLB": 586, "access2.glb": 69, "GLB/ACCESS3.GLB": 512, "CONTROL.GLB": 8, "GLOBAL.GLB": 512, "GROUP.GLB": 4,
		"GRPMEM.GLB": 4, "MASTER.GLB": 176, "NETPO.GLB": 4, "TID.GLB": 4, "NETWORK.GLB": 122, "REQCONF.GLB": 512, "PROCESS.GLB": 512, "ANSISORT.GLB": 795, "MODEM.GLB": 64,
		"C850SORT.GLB": 795, "ADMIN.GRP": 8, "00000000.KEY": 560, "INQUEUE.MBG": 0, "ADMIN.NME": 45, "VIEW.NME": 0, "00000001.XTN": 0, "SERIALNO.IDX": 4, "FOLDROOT.IDX": 100} {
		rule, ok := SizeOf(name)
		if !ok || !rule.Fits(size) || rule.Fits(size+1) || rule.String() == "" {
			t.Errorf("%s of %d bytes: %v, rule %s", name, size, ok, rule)
		}
	}
	mem, _ := SizeOf("0000001A.MEM")
	if mem.Fits(2004) || !mem.Fits(2000) || mem.Records(2000) != 500 {
		t.Error("MEM")
	}
	if _, ok := SizeOf("WELCOME.GLB"); ok {
		t.Error("a rule for a file that has none")
	}
}

// TestRecordsKeepBytes checks that setting what is there changes no byte, whatever
// the record holds.
func TestRecordsKeepBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(n int) []byte { return rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "record") }
		raw := draw(AliasSize)
		l := AliasLayout{rapid.IntRange(0, 1).Draw(t, "type"), 0x21 + 4*rapid.IntRange(0, 1).Draw(t, "tid")}
		a := Alias(raw)
		if name := a.Name(); len(name) <= 30 && a.SetName(name) != nil {
			t.Fatal("name")
		}
		a.SetType(l, a.Type(l))
		a.SetFlag(l, a.Flag(l))
		a.SetTID(l, a.TID(l))
		a.SetPointer(l, a.Pointer(l))
		a.SetID(a.ID())
		if !bytes.Equal(a[:], raw) {
			t.Fatalf("% X became % X", raw, a)
		}
		raw = draw(GroupSize)
		g := GroupRecord(raw)
		if len(g.Name()) <= 30 && g.SetName(g.Name()) != nil || len(g.Address()) <= 10 && g.SetAddress(g.Address()) != nil {
			t.Fatal("names")
		}
		g.SetTID(g.TID())
		g.SetPointer(g.Pointer())
		if !bytes.Equal(g[:], raw) {
			t.Fatal("GROUP")
		}
		raw = draw(NetPOSize)
		e := External(raw)
		if n, p, m := e.Names(LikelyExternal); len(n) <= 10 && len(p) <= 10 && len(m) <= 10 && e.SetNames(LikelyExternal, n, p, m) != nil || !bytes.Equal(e[:], raw) {
			t.Fatal("NETPO")
		}
		raw = draw(RemoteUserSize)
		u := RemoteUser(raw)
		if n, m := u.Names(LikelyRemote); len(n) <= 30 && len(m) <= 10 && u.SetNames(LikelyRemote, n, m) != nil || !bytes.Equal(u[:], raw) {
			t.Fatal("USR")
		}
	})
	var n Network
	if err := n.SetName("ELEVENCHARS"); failure.RuleOf(err) != "msmail.field" {
		t.Error(err)
	}
}

func TestChain(t *testing.T) {
	file := make([]byte, 5*NodeSize)
	set := func(i int, tid, next uint32) {
		n := Node(file[i*8 : i*8+8])
		n.SetTID(tid)
		n.SetNext(next)
		copy(file[i*8:], n[:])
	}
	set(1, 10, 16)
	set(2, 11, 32)
	set(3, 12, 24) // leads to itself
	set(4, 13, 0)
	table, _ := ReadTable(bytes.NewReader(file), "ADMIN.GRP", NodeSize, NodeSize)
	if got, _, why := Chain(&table, 8); why != "" || len(got) != 3 || got[2] != 13 {
		t.Error(got, why)
	}
	if got, at, why := Chain(&table, 24); why != "cycle" || at != 24 || len(got) != 1 {
		t.Error(got, at, why)
	}
	for _, bad := range []uint32{4, 7, 40, 0xFFFFFFF8} {
		if _, at, why := Chain(&table, bad); why != "pointer" || at != bad {
			t.Error(bad, at, why)
		}
	}
}

func FuzzTables(f *testing.F) {
	f.Add(make([]byte, 300), uint32(8))
	f.Add([]byte("\x01\x10MSMAIL"), uint32(0))
	f.Fuzz(func(t *testing.T, data []byte, start uint32) {
		grp, _ := ReadTable(bytes.NewReader(data), "ADMIN.GRP", NodeSize, NodeSize)
		if tids, _, _ := Chain(&grp, start); len(tids) > grp.Len() {
			t.Fatalf("%d members of %d nodes", len(tids), grp.Len())
		}
		nme, _ := ReadTable(bytes.NewReader(data), "ADMIN.NME", 0, AliasSize)
		netpo, _ := ReadTable(bytes.NewReader(data), "NETPO.GLB", 4, NetPOSize)
		l, found := LocateAlias(&nme, Neighbours{Groups: &grp, Externals: &netpo, LastTID: start})
		if l.TypeAt > 1 || l.TIDAt != 0x21 && l.TIDAt != 0x25 || found.Confidence() > 1 {
			t.Fatal(l, found)
		}
		ids := map[ID]bool{ID(start): true}
		if nme.Len() > 0 {
			a := Alias(nme.Record(0))
			ids[a.ID()] = true
		}
		access, _ := ReadTable(bytes.NewReader(data), "ACCESS2.GLB", 0, Access2Size)
		layout, _ := LocateAccess(&access, ids, map[string]bool{"ADMIN": true})
		for i := range access.Len() {
			_ = layout.Mailbox(access.Record(i))
			_, _ = layout.ID(access.Record(i))
		}
		ext, _ := LocateExternal(&netpo, map[string]bool{"A/B": true})
		for i := range netpo.Len() {
			e := External(netpo.Record(i))
			_, _, _ = e.Names(ext)
		}
	})
}
