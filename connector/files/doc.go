// Package files holds what the connectors for mail in file trees share: names
// that are safe as path elements, readers that leave no trace on what they
// read, and directories that are written through without following symlinks.
package files
