package mapimail

import (
	"strings"

	"waybill/format/mapi"
	"waybill/format/mime"
)

// mediaTypes are those of attachments that name none, by the end of their name:
// a table of our own, because that of the machine differs from machine to machine.
var mediaTypes = map[string]string{
	".bmp": "image/bmp", ".gif": "image/gif", ".jpe": "image/jpeg", ".jpeg": "image/jpeg", ".jpg": "image/jpeg",
	".png": "image/png", ".svg": "image/svg+xml", ".tif": "image/tiff", ".tiff": "image/tiff", ".webp": "image/webp",
	".emf": "image/emf", ".wmf": "image/wmf", ".heic": "image/heic", ".ico": "image/vnd.microsoft.icon",
	".csv": "text/csv", ".htm": "text/html", ".html": "text/html", ".txt": "text/plain", ".log": "text/plain",
	".xml": "text/xml", ".ics": "text/calendar", ".vcf": "text/vcard",
	".pdf": "application/pdf", ".rtf": "application/rtf", ".zip": "application/zip", ".gz": "application/gzip",
	".7z": "application/x-7z-compressed", ".json": "application/json", ".ps": "application/postscript",
	".doc": "application/msword", ".dot": "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".odt":  "application/vnd.oasis.opendocument.text", ".ods": "application/vnd.oasis.opendocument.spreadsheet",
	".mpp": "application/vnd.ms-project", ".vsd": "application/vnd.visio", ".msg": "application/vnd.ms-outlook",
	".mp3": "audio/mpeg", ".wav": "audio/wav", ".m4a": "audio/mp4", ".avi": "video/x-msvideo", ".mp4": "video/mp4",
	".mpeg": "video/mpeg", ".mpg": "video/mpeg", ".mov": "video/quicktime", ".wmv": "video/x-ms-wmv",
	".p7m": "application/pkcs7-mime", ".p7s": "application/pkcs7-signature", ".asc": "application/pgp-signature",
}

// mediaType is the media type of an attachment by value.
//
// Types that need a body which is written as it is (message/rfc822 and
// multipart/*, RFC 2045 6.4) become application/octet-stream: the file keeps its
// bytes, whatever they are.
func mediaType(p *mapi.Props, name string) (string, []mime.Param) {
	if isMacBinary(p) {
		return "application/macbinary", nil
	}
	kind, params := mime.ParseParams(oneLine(p.Text(mapi.AttachMimeTag)))
	if !validType(kind) {
		kind = mediaTypes[extension(name)]
		if kind == "" {
			kind = mediaTypes[strings.ToLower(p.Text(mapi.AttachExtension))]
		}
		params = nil
	}
	if kind == "" || strings.HasPrefix(kind, "multipart/") || strings.HasPrefix(kind, "message/") {
		return "application/octet-stream", nil
	}
	if !strings.HasPrefix(kind, "text/") {
		return kind, nil
	}
	charset := p.Text(mapi.TextAttachmentCharset)
	if charset == "" {
		charset = params["charset"]
	}
	if charset == "" || !token(charset) {
		return kind, nil
	}
	return kind, []mime.Param{{Name: "charset", Value: charset}}
}

// validType reports whether s is a type and a subtype (RFC 2045 5.1).
func validType(s string) bool {
	kind, sub, ok := strings.Cut(s, "/")
	return ok && token(kind) && token(sub)
}

// token reports whether s is a token of RFC 2045 5.1 of sensible length.
func token(s string) bool {
	if s == "" || len(s) > 100 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] <= ' ' || s[i] >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?=`, s[i]) >= 0 {
			return false
		}
	}
	return true
}

// extension is the end of a name from its last dot on, in lower case.
func extension(name string) string {
	i := strings.LastIndexByte(name, '.')
	if i < 0 || len(name)-i > 10 {
		return ""
	}
	return strings.ToLower(name[i:])
}

// extensionFor is the end of the name of a nameless attachment.
func extensionFor(p *mapi.Props, kind string) string {
	if e := strings.ToLower(oneLine(p.Text(mapi.AttachExtension))); len(e) > 1 && len(e) <= 10 && e[0] == '.' && token(e[1:]) {
		return e
	}
	switch kind {
	case "image/jpeg":
		return ".jpg"
	case "image/png":
		return ".png"
	case "image/gif":
		return ".gif"
	case "text/plain":
		return ".txt"
	case "text/html":
		return ".html"
	default:
		return ".bin"
	}
}
