//go:build unix && !linux

package files

const noAtime = 0
