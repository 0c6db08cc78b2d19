package files

import (
	"errors"

	"waybill/failure"
)

// NotRegular is the error for a FIFO, device, socket or directory in the place
// of a file with mail.
func NotRegular(path string) error {
	return failure.New(failure.Malformed, "open file", path, "file.not-regular",
		errors.New("it is not a regular file")).WithRemedy("look at what it is, and remove it from the folder")
}
