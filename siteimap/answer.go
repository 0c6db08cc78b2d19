package siteimap

import (
	"errors"
	"strings"

	"github.com/emersion/go-imap/v2"

	"waybill/failure"
)

// Response codes (RFC 5530, RFC 9051 7.1).
const (
	codeAuthentication imap.ResponseCode = "AUTHENTICATIONFAILED"
	codePrivacy        imap.ResponseCode = "PRIVACYREQUIRED"
	codeTooBig         imap.ResponseCode = "TOOBIG"
	codeLimit          imap.ResponseCode = "LIMIT"
	codeCannot         imap.ResponseCode = "CANNOT"
	codeExists         imap.ResponseCode = "ALREADYEXISTS"
	codeTryCreate      imap.ResponseCode = "TRYCREATE"
	codeReadOnly       imap.ResponseCode = "READ-ONLY"
	codeUse            imap.ResponseCode = "USEATTR"
	codeGone           imap.ResponseCode = "EXPUNGEISSUED"
)

// no refuses a command.
func no(code imap.ResponseCode, text string) error {
	return &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: oneLine(text)}
}

// bad refuses what breaks the protocol.
func bad(text string) error {
	return &imap.Error{Type: imap.StatusResponseTypeBad, Text: oneLine(text)}
}

// maxAnswer is how many bytes of an error a mail program is told.
const maxAnswer = 400

// oneLine makes a text that fits behind a response code.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, strings.Join(strings.Fields(text), " "))
	if len(text) > maxAnswer {
		text = text[:maxAnswer] + "..."
	}
	return text
}

// refusal turns an error of the site into an answer; its class decides the
// code.
func refusal(err error) error {
	if err == nil {
		return nil
	}
	if r, ok := errors.AsType[*imap.Error](err); ok {
		return r
	}
	code := imap.ResponseCode("SERVERBUG")
	switch failure.ClassOf(err) {
	case failure.Denied:
		code = "NOPERM"
	case failure.Vanished:
		code = "NONEXISTENT"
	case failure.TooLarge:
		code = codeLimit
	case failure.Full:
		code = "OVERQUOTA"
	case failure.Usage, failure.Unsupported:
		code = codeCannot
	case failure.Malformed:
		code = "CORRUPTION"
	case failure.Transient, failure.Throttled, failure.Cancelled:
		code = "UNAVAILABLE"
	case failure.Conflict:
		code = codeCannot
		switch failure.RuleOf(err) {
		case "site.folder-exists":
			code = codeExists
		case "site.folder-has-folders":
			code = "HASCHILDREN"
		}
	}
	return no(code, err.Error())
}

// orCreate is for commands that name a folder to put messages into: a mail
// program offers to make one that is not there (RFC 9051 6.3.12).
func orCreate(err error) error {
	if err != nil && failure.RuleOf(err) == "site.no-such-folder" {
		return no(codeTryCreate, "there is no such folder")
	}
	return err
}
