package rtf

import "io"

func newDecompressor(r io.Reader, _ int64) io.Reader         { return r }
func unwrap(r io.Reader, _ Options) (io.Reader, Kind, error) { return r, KindRTF, nil }
func newText(r io.Reader, _ Options) io.Reader               { return r }
