package rtf

import "strings"

// symbols are words that stand for text, in plain text and in HTML alike.
var symbols = map[string]string{
	"lquote": "\u2018", "rquote": "\u2019", "ldblquote": "\u201c", "rdblquote": "\u201d",
	"bullet": "\u2022", "endash": "\u2013", "emdash": "\u2014",
	"enspace": "\u2002", "emspace": "\u2003", "qmspace": "\u2005",
	"zwj": "\u200d", "zwnj": "\u200c", "zwbo": "\u200b", "zwnbo": "\u2060",
	"ltrmark": "\u200e", "rtlmark": "\u200f", "tab": "\t",
	"par": "\r\n", "line": "\r\n", "sect": "\r\n", "page": "\r\n", "column": "\r\n",
	"softline": "\r\n", "softpage": "\r\n", "lbr": "\r\n",
}

// htmlSymbols are those that HTML spells ([MS-OXRTFEX] 2.1.3.1.4.2).
var htmlSymbols = map[string]string{
	"lquote": "&lsquo;", "rquote": "&rsquo;", "ldblquote": "&ldquo;", "rdblquote": "&rdquo;",
	"bullet": "&bull;", "endash": "&ndash;", "emdash": "&mdash;",
}

// left out are destinations whose text nobody reads, besides all that \* marks
// and is not known.
var leftOut = map[string]bool{
	"colortbl": true, "stylesheet": true, "info": true, "pict": true, "filetbl": true,
	"header": true, "headerl": true, "headerr": true, "headerf": true,
	"footer": true, "footerl": true, "footerr": true, "footerf": true,
	"nonesttables": true, "nonshppict": true, "shprslt": true, "objdata": true, "objclass": true,
	"objname": true, "mhtmltag": true, "listtable": true, "revtbl": true, "private": true,
	"tc": true, "xe": true, "rxe": true, "txe": true, "bkmkstart": true, "bkmkend": true, "comment": true,
}

// charsetPages are the code pages of \fcharset (RTF 1.9.1, "Font Table"); 0 is the
// document's own.
var charsetPages = map[int32]int{
	0: 1252, 1: 0, 2: symbolPage, 77: 10000, 78: 932, 79: 949, 80: 936, 81: 950, 83: 1255, 84: 1256, 85: 1253, 86: 1254,
	87: 874, 88: 1250, 89: 10007, 128: 932, 129: 949, 130: 949, 134: 936, 136: 950, 161: 1253, 162: 1254,
	163: 1258, 177: 1255, 178: 1256, 179: 1256, 180: 1256, 181: 1255, 186: 1257, 204: 1251, 222: 874, 238: 1250,
	254: 437, 255: 850,
}

// word obeys a control word.
func (d *decoder) word(t token, star bool) {
	if d.destinationWord(t, star) || d.headerWord(t) {
		return
	}
	on := !t.hasParam || t.param != 0
	switch t.word {
	case "htmlrtf":
		d.flush()
		d.htmlrtf = on
	case "f":
		d.font = t.param
		if d.dest == destFonts {
			d.fontNow = t.param
		}
	case "plain":
		d.font, d.hidden = d.deff, false
	case "v", "deleted":
		d.hidden = on && !d.html
	case "u":
		if t.hasParam {
			d.unicode(t.param)
		}
	case "uc":
		if t.hasParam && t.param >= 0 {
			d.uc = min(t.param, maxRun)
		}
	case "objattph":
		d.attachment()
	case "cell", "nestcell":
		if d.visible() {
			d.flush()
			d.tab()
			d.cell = true
		}
	case "row", "nestrow":
		if d.visible() {
			d.flush()
			d.cell = false
			d.emit("\r\n")
		}
	default:
		if text, ok := htmlSymbols[t.word]; ok && d.html {
			d.emit(text)
		} else if text, ok := symbols[t.word]; ok {
			d.emit(text)
		}
	}
}

// destinationWord handles words that say where a group's text goes.
func (d *decoder) destinationWord(t token, star bool) bool {
	if d.dest == destSkip && t.word != "shptxt" {
		return true
	}
	switch t.word {
	case "htmltag":
		if star {
			d.flush()
			d.dest = destSkip
			if d.html {
				d.dest = destTag
			}
		}
	case "fonttbl":
		d.dest = destFonts
	case "fldinst":
		d.dest, d.field = destField, d.field[:0]
	case "fldrslt":
		d.result, d.shown = true, d.shown[:0]
	case "upr":
		d.dest = destAltText
	case "ud":
		if d.dest == destAltText {
			d.dest = destBody
		}
	case "shptxt": // the text of a box, inside of what is left out otherwise
		if d.dest == destSkip && !d.html {
			d.dest = destBody
		}
	case "footnote":
		d.emit(" (")
		d.openParen = d.visible()
	case "listtext", "pntext": // the bullet or number as text; marked with \* or not
	default:
		if !star && !leftOut[t.word] {
			return false
		}
		if d.dest == destBody || d.dest == destAltText || d.dest == destField {
			d.dest = destSkip
		}
		return d.dest == destSkip
	}
	return true
}

// headerWord handles words of the header and of the font table.
func (d *decoder) headerWord(t token) bool {
	switch t.word {
	case "ansicpg":
		if t.param > 0 {
			d.ansi = int(t.param)
		}
	case "mac":
		d.ansi = 10000
	case "pc":
		d.ansi = 437
	case "pca":
		d.ansi = 850
	case "deff":
		d.deff, d.font = t.param, t.param
	case "fcharset":
		if page, ok := charsetPages[t.param]; ok {
			d.setFont(page)
		}
	case "cpg":
		if d.dest == destFonts && t.param > 0 {
			d.setFont(int(t.param))
		}
	default:
		return false
	}
	return true
}

func (d *decoder) setFont(page int) {
	if d.dest == destFonts && len(d.fonts) < maxFonts {
		d.fonts[d.fontNow] = page
	}
}

// sign obeys a control symbol.
func (d *decoder) sign(sign string) {
	if d.skip > 0 && sign != "*" {
		d.skip--
		return
	}
	switch sign {
	case "*":
		d.star = true
	case "~":
		d.emit(d.either("\u00a0", "&nbsp;"))
	case "_":
		d.emit(d.either("\u2011", "&shy;"))
	case "-":
		d.emit(d.either("", "&shy;"))
	case "\t":
		d.emit("\t")
	}
}

func (d *decoder) either(text, html string) string {
	if d.html {
		return html
	}
	return text
}

// attachment puts something in the place of an attachment, also between what only
// RTF readers are to see: it is a place, not a text.
func (d *decoder) attachment() {
	n := d.pictures
	d.pictures++
	if d.options.Attachment == nil || d.dest != destBody {
		return
	}
	was := d.htmlrtf
	d.htmlrtf = false
	d.emit(strings.ToValidUTF8(d.options.Attachment(n), "\ufffd"))
	d.htmlrtf = was
}
