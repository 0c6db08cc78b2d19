package glb

import (
	"fmt"
	"path"
	"strings"
)

// SizeRule says what sizes a file may have: Header + Record*n, at most Max where
// that is not 0. All are documented (KB Q77926 where Article is empty).
type SizeRule struct {
	Header  int64
	Record  int64 // 0: the size is Header exactly
	Max     int64
	Article string
}

// Record and header sizes, in bytes.
const (
	AccessSize      = 586
	Access2Size     = 69
	Access3Size     = 512
	GroupSize       = 51
	GroupMemberSize = 128
	MasterSize      = 176
	NetPOSize       = 43
	NetworkSize     = 122
	NodeSize        = 8
	AliasSize       = 45
	RemoteUserSize  = 53
	XTNSize         = 698
)

var sizesByName = map[string]SizeRule{
	"ACCESS.GLB":   {Record: AccessSize, Article: "Q168736"},
	"ACCESS2.GLB":  {Record: Access2Size, Article: "Q168736"},
	"ACCESS3.GLB":  {Record: Access3Size, Article: "Q168736"},
	"CONTROL.GLB":  {Header: 8},
	"FLAG.GLB":     {Header: 2},
	"GLOBAL.GLB":   {Header: 512},
	"REQCONF.GLB":  {Header: 512},
	"GROUP.GLB":    {Header: 4, Record: GroupSize},
	"GRPMEM.GLB":   {Header: 4, Record: GroupMemberSize},
	"MASTER.GLB":   {Header: MasterSize},
	"MODEM.GLB":    {Header: 64},
	"NETPO.GLB":    {Header: 4, Record: NetPOSize, Article: "Q110223"},
	"NETWORK.GLB":  {Record: NetworkSize},
	"PROCESS.GLB":  {Header: 512, Record: 197},
	"SERVER.GLB":   {Record: 181},
	"SRVCONF.GLB":  {Header: 1024, Record: 1024},
	"TID.GLB":      {Header: 4},
	"RNETSEM.GLB":  {Header: 4, Article: "Q118946"},
	"SERIALNO.IDX": {Header: 4},
	"C850SORT.GLB": {Header: 795, Article: "Q135868"},
	"C850INT.GLB":  {Header: 795, Article: "Q132693"},
	"C850SCAN.GLB": {Header: 795, Article: "Q132693"},
	"ANSISORT.GLB": {Header: 795, Article: "Q135868"},
}

var sizesByExtension = map[string]SizeRule{
	".GRP": {Header: NodeSize, Record: NodeSize, Article: "Q135932"},
	".NME": {Record: AliasSize},
	".USR": {Record: RemoteUserSize},
	".XTN": {Record: XTNSize, Article: "Q128243"},
	".MEM": {Record: 4, Max: 2000},
	".KEY": {Header: 560},
	".MBG": {Record: 116},
	".IDX": {Header: 100, Record: 158},
}

// SizeOf finds the rule for a file by its name.
func SizeOf(name string) (SizeRule, bool) {
	upper := strings.ToUpper(path.Base(name))
	if rule, ok := sizesByName[upper]; ok {
		return rule, true
	}
	rule, ok := sizesByExtension[path.Ext(upper)]
	return rule, ok
}

// Fits reports whether a file of that size obeys the rule.
func (r SizeRule) Fits(size int64) bool {
	switch {
	case size < r.Header || r.Max > 0 && size > r.Max:
		return false
	case r.Record == 0:
		return size == r.Header
	default:
		return (size-r.Header)%r.Record == 0
	}
}

// Records is how many whole records a file of that size holds.
func (r SizeRule) Records(size int64) int64 {
	if r.Record == 0 || size < r.Header {
		return 0
	}
	return (size - r.Header) / r.Record
}

func (r SizeRule) String() string {
	var s string
	switch {
	case r.Record == 0:
		s = fmt.Sprintf("%d bytes", r.Header)
	case r.Header == 0:
		s = fmt.Sprintf("%d bytes for each record", r.Record)
	default:
		s = fmt.Sprintf("%d bytes and %d for each record", r.Header, r.Record)
	}
	if r.Max > 0 {
		s += fmt.Sprintf(", at most %d", r.Max)
	}
	return s
}
