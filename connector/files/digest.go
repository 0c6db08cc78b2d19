package files

import (
	"context"
	"crypto/sha256"
	"io"

	"waybill/mail"
)

// Digest reads all of r and returns its SHA-256.
func Digest(ctx context.Context, r io.Reader) (mail.Digest, error) {
	h := sha256.New()
	if err := Copy(ctx, h, r); err != nil {
		return mail.Digest{}, Fail("digest message", "", "file.digest", err)
	}
	return mail.Digest(h.Sum(nil)), nil
}

// Copy copies all of r to w, and stops soon after ctx ends. An error of r comes
// back as it is.
func Copy(ctx context.Context, w io.Writer, r io.Reader) error {
	_, err := CopyBuffer(ctx, w, r, make([]byte, 64<<10))
	return err
}

// CopyBuffer is Copy with a buffer of the caller's. It returns how many bytes
// were written, and an error of w as a *WriteError.
func CopyBuffer(ctx context.Context, w io.Writer, r io.Reader, buf []byte) (int64, error) {
	var done int64
	for {
		if err := ctx.Err(); err != nil {
			return done, Fail("copy message", "", "file.copy", err)
		}
		n, err := r.Read(buf)
		if n > 0 {
			m, werr := w.Write(buf[:n])
			done += int64(m)
			if werr != nil {
				return done, &WriteError{Err: werr}
			}
		}
		if err == io.EOF {
			return done, nil
		}
		if err != nil {
			return done, err
		}
	}
}

// WriteError tells that a copy failed where it was written, not where it was read.
type WriteError struct{ Err error }

func (e *WriteError) Error() string { return e.Err.Error() }
func (e *WriteError) Unwrap() error { return e.Err }
