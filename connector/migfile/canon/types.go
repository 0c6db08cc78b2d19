package canon

import "strings"

// TypeOf tells the media type of an attachment from its name. The table is small
// on purpose: the same name has the same type on every machine.
func TypeOf(name string) string {
	_, ext, _ := CutLast(name, '.')
	switch strings.ToLower(ext) {
	case "txt", "log":
		return "text/plain"
	case "htm", "html":
		return "text/html"
	case "csv":
		return "text/csv"
	case "vcf":
		return "text/vcard"
	case "ics":
		return "text/calendar"
	case "rtf":
		return "application/rtf"
	case "pdf":
		return "application/pdf"
	case "doc", "dot":
		return "application/msword"
	case "xls":
		return "application/vnd.ms-excel"
	case "ppt":
		return "application/vnd.ms-powerpoint"
	case "docx":
		return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	case "xlsx":
		return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	case "pptx":
		return "application/vnd.openxmlformats-officedocument.presentationml.presentation"
	case "zip":
		return "application/zip"
	case "gif":
		return "image/gif"
	case "jpg", "jpeg":
		return "image/jpeg"
	case "png":
		return "image/png"
	case "bmp":
		return "image/bmp"
	case "tif", "tiff":
		return "image/tiff"
	case "wav":
		return "audio/wav"
	case "mp3":
		return "audio/mpeg"
	}
	return "application/octet-stream"
}
