// Package foldertree is what connectors share whose mail lies in a tree of
// directories: one for each user, directories in it for folders, and files with
// messages. The files that lie directly in a user's directory are the inbox.
//
// A connector says in a Format what its files are called, and in a Keeper how a
// message is written into one. Names of files that are delivered begin with the
// moment of their batch (files.Moment); until a batch is whole and durable they are
// hidden. So what arrived since a position can be told from names alone, after a
// crash too.
package foldertree

import (
	"context"
	"path/filepath"
	"strings"

	"waybill/connector/files"
)

// Format is what tells one connector's tree from another's. All fields but Holds
// are needed.
type Format struct {
	// System is the connector's name, with which rules of errors and positions
	// begin.
	System string
	// Unlike says of several files why they are left out: "do not end in .eml".
	Unlike string
	// Candidate tells by its name whether a file may hold messages. It is false
	// for names that begin with a dot.
	Candidate func(name string) bool
	// Holds looks into a candidate. What cannot be read is not taken for something
	// else. Where it is nil, every candidate holds messages.
	Holds func(ctx context.Context, path string) bool
	// Delivered tells whether rest follows the moment in the name of a file that a
	// target wrote: its ending.
	Delivered func(rest string) bool
	// Shown tells whether a target shows messages under that name.
	Shown func(id string) bool
	// Kept tells whether the target wrote the file for itself, beside messages.
	// Such files go with their folder.
	Kept func(name string) bool
}

func (f *Format) rule(name string) string { return f.System + "." + name }

// Message tells whether a file in dir holds messages.
func (f *Format) Message(ctx context.Context, dir, name string) bool {
	return f.Candidate(name) && (f.Holds == nil || f.Holds(ctx, filepath.Join(dir, name)))
}

// Alone tells whether dir is itself one user's: whether files with messages lie
// directly in it.
func (f *Format) Alone(ctx context.Context, dir string) (bool, error) {
	names, err := files.Names(ctx, dir)
	if err != nil {
		return false, err
	}
	for _, name := range names {
		if f.Candidate(name) && !files.IsDir(filepath.Join(dir, name)) && f.Message(ctx, dir, name) {
			return true, nil
		}
	}
	return false, nil
}

// Inside tells whether a key, which may have come from anywhere, can be a name in
// a directory.
func Inside(key string) bool { return key != "" && !strings.ContainsAny(key, "/\\\x00") }
