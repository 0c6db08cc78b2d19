package files

import (
	"errors"
	"syscall"

	"waybill/failure"
)

// Fail gives an error of the operating system its class and place. An error
// that has a class already is returned as it is; nil stays nil.
func Fail(op, where, rule string, err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*failure.Error](err); ok {
		return err
	}
	// The path is in where already; the bare number of the error is enough.
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		err = errno
	}
	class := failure.ClassOf(err)
	if class == failure.Internal {
		class = classOf(err)
	}
	e := failure.New(class, op, where, rule, err)
	switch class {
	case failure.Denied:
		e = e.WithRemedy("let the user who runs this read (and, in a target, write) that path, or run it as a user who may")
	case failure.Full:
		e = e.WithRemedy("make room on the file system, or raise the quota, and run again")
	}
	return e
}

// classOf knows the errors that failure.ClassOf leaves open. What has no better
// place is Malformed: the item is set aside, and others go on.
func classOf(err error) failure.Class {
	switch {
	case errors.Is(err, syscall.ESTALE), errors.Is(err, syscall.ETIMEDOUT), errors.Is(err, syscall.ENOMEM):
		return failure.Transient
	case errors.Is(err, syscall.ENOTEMPTY), errors.Is(err, syscall.EXDEV):
		return failure.Conflict
	case errors.Is(err, syscall.ENOTDIR):
		return failure.Vanished
	}
	return failure.Malformed
}
