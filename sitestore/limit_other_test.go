//go:build !linux

package sitestore_test

func limitFiles(uint64) bool { return false }
