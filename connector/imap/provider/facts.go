// Package provider holds what is known of mail providers and server programs:
// limits, the words with which they ask to wait, and names that are theirs.
// The facts are data files, each with the source of what it says; code only
// reads them.
package provider

import "time"

// Facts are what is known of one provider or server program. Zero values mean
// that nothing is known, never that there is no limit.
type Facts struct {
	// Name is the file's name without its ending: "gmail".
	Name string `yaml:"-"`
	// Title is the name to show: "Gmail and Google Workspace".
	Title string `yaml:"title"`
	// Flavour is how the server behaves: "cyrus", "dovecot", "gmail",
	// "exchange", "courier" or "other".
	Flavour string `yaml:"flavour"`
	Match   Match  `yaml:"match"`
	// Connections bounds the connections to the server over all mailboxes, and
	// ConnectionsPerUser those to one mailbox.
	Connections        int `yaml:"connections"`
	ConnectionsPerUser int `yaml:"connections-per-user"`
	// DownloadPerDay and UploadPerDay are bytes in 24 hours for one mailbox.
	DownloadPerDay int64 `yaml:"download-per-day"`
	UploadPerDay   int64 `yaml:"upload-per-day"`
	// MaxMessage is the largest message in bytes that APPEND takes.
	MaxMessage int64 `yaml:"max-message"`
	// Reserved are folder names, in any case, under which nobody can make a
	// folder of his own, or which mean something else there than elsewhere.
	// A name that ends with "*" stands for all names that begin so.
	Reserved   []string   `yaml:"reserved"`
	Labels     Labels     `yaml:"labels"`
	Throttling []Throttle `yaml:"throttling"`
	Refusals   []Refusal  `yaml:"refusals"`
	// Sources tell where each of the facts is from.
	Sources []Source `yaml:"sources"`
}

// Match says how a provider is recognised; one match is enough. Host names
// count most, then the server's ID, then capabilities.
type Match struct {
	Hosts        []string `yaml:"hosts"`        // the name itself, or ".example.org" with all below
	ID           []string `yaml:"id"`           // parts of the ID's name, in any case
	Capabilities []string `yaml:"capabilities"` // all of them
}

// Labels tell how folders relate to messages where one message may be in
// several of them.
type Labels struct {
	// Policy is what to do when the operator says nothing: "one", "copies" or
	// "folders". Empty: the server has folders and no labels.
	Policy string `yaml:"policy"`
	// Order is the priority list of the policy "one": labels as the server writes
	// them (\Inbox, \Sent), "*" for all that are not named.
	Order []string `yaml:"order"`
	// Views are special uses (\All, \Flagged, \Important) of folders that only
	// show what is in others.
	Views []string `yaml:"views"`
}

// Throttle is a text with which a server asks to wait.
type Throttle struct {
	// Code is the response code, in upper case; Text is a regular expression on
	// the text, in any case. Both must match where both are given. A group in
	// Text named "ms", "s" or "min" holds the wait.
	Code string `yaml:"code"`
	Text string `yaml:"text"`
	// Wait is the pause where the text does not tell.
	Wait time.Duration `yaml:"wait"`
	// Connections tells that fewer connections are the cure.
	Connections bool `yaml:"connections"`
	// Later tells that this asks to wait only in a session that has worked
	// before; at its beginning the same words mean something else.
	Later bool `yaml:"later"`

	pattern matcher
}

// Refusal is a text with which a server refuses, and what is behind it.
type Refusal struct {
	Code string   `yaml:"code"`
	Text string   `yaml:"text"`
	Auth []string `yaml:"auth"` // only with these ways of logging on; empty: all
	// Rule is the failure's rule: "imap.login.app-password".
	Rule string `yaml:"rule"`
	// Meaning is the cause in plain words, Needed the right or thing that is
	// missing, and Grant the commands that give it. {user}, {admin} and {host}
	// stand for the names.
	Meaning string `yaml:"meaning"`
	Needed  string `yaml:"needed"`
	Grant   string `yaml:"grant"`

	pattern matcher
}

// Source is where a fact is from.
type Source struct {
	Fact string `yaml:"fact"`
	From string `yaml:"from"` // an address, or the program's version that was tried
	Date string `yaml:"date"` // when it was read: 2026-11-22
}
