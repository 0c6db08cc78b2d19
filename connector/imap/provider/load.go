package provider

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"waybill/failure"
)

//go:embed data/*.yaml
var files embed.FS

// generic is the provider of whom nothing is known; its words count for all.
const generic = "generic"

var embedded = sync.OnceValues(func() (map[string]Facts, error) { return loadAll(files) })

// All gives the facts of all providers by name.
func All() (map[string]Facts, error) { return embedded() }

func loadAll(from fs.FS) (map[string]Facts, error) {
	names, err := fs.Glob(from, "data/*.yaml")
	if err != nil || len(names) == 0 {
		return nil, failure.New(failure.Internal, "read provider facts", "data", "provider.missing", err)
	}
	all := map[string]Facts{}
	for _, name := range names {
		text, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, failure.New(failure.Internal, "read provider facts", name, "provider.missing", err)
		}
		f, err := parse(strings.TrimSuffix(path.Base(name), ".yaml"), text)
		if err != nil {
			return nil, err
		}
		all[f.Name] = f
	}
	common, ok := all[generic]
	if !ok {
		return nil, failure.New(failure.Internal, "read provider facts", "data", "provider.missing", errors.New("there is no generic.yaml"))
	}
	for name, f := range all {
		if name != generic {
			f.Throttling = append(slices.Clone(f.Throttling), common.Throttling...)
			f.Refusals = append(slices.Clone(f.Refusals), common.Refusals...)
			all[name] = f
		}
	}
	return all, nil
}

// parse reads one file, strictly: an unknown key, a pattern that does not
// compile and a fact without a source are errors.
func parse(name string, text []byte) (Facts, error) {
	var f Facts
	bad := func(err error) (Facts, error) {
		return Facts{}, failure.New(failure.Malformed, "read provider facts", name+".yaml", "provider.file", err)
	}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(&f); err != nil {
		return bad(errors.New(yaml.FormatError(err, false, true)))
	}
	f.Name = name
	f.Reserved = slices.Clip(f.Reserved) // callers append to it
	if err := f.check(); err != nil {
		return bad(err)
	}
	for i := range f.Throttling {
		t := &f.Throttling[i]
		if err := t.pattern.compile(t.Code, t.Text); err != nil {
			return bad(err)
		}
		told := t.pattern.text != nil && slices.ContainsFunc(t.pattern.text.SubexpNames(), func(s string) bool { return s != "" })
		if told == (t.Wait > 0) || t.Wait < 0 || t.Wait > 24*time.Hour {
			return bad(fmt.Errorf("throttling %q %q needs either a wait up to 24h or a group that tells it", t.Code, t.Text))
		}
	}
	for i := range f.Refusals {
		r := &f.Refusals[i]
		if err := r.pattern.compile(r.Code, r.Text); err != nil {
			return bad(err)
		}
		if !strings.HasPrefix(r.Rule, "imap.login.") || r.Meaning == "" || r.Needed == "" || r.Grant == "" {
			return bad(fmt.Errorf("refusal %q %q needs a rule imap.login.*, a meaning, what is needed and how to grant it", r.Code, r.Text))
		}
		for _, a := range r.Auth {
			if !slices.Contains([]string{"plain", "proxy", "dovecot-master", "acl-admin", "oauth2"}, a) {
				return bad(fmt.Errorf("refusal %q %q: no way of logging on is called %q", r.Code, r.Text, a))
			}
		}
	}
	return f, nil
}

func (f *Facts) check() error {
	if f.Title == "" || len(f.Sources) == 0 {
		return errors.New("it needs a title and sources")
	}
	if !slices.Contains([]string{"cyrus", "dovecot", "gmail", "exchange", "courier", "other"}, f.Flavour) {
		return fmt.Errorf("no server has the flavour %q", f.Flavour)
	}
	if !slices.Contains([]string{"", "one", "copies", "folders"}, f.Labels.Policy) {
		return fmt.Errorf("no policy for labels is called %q", f.Labels.Policy)
	}
	if f.Connections < 0 || f.ConnectionsPerUser < 0 || f.DownloadPerDay < 0 || f.UploadPerDay < 0 || f.MaxMessage < 0 {
		return errors.New("a limit is below zero")
	}
	for _, s := range f.Sources {
		if _, err := time.Parse(time.DateOnly, s.Date); err != nil || s.Fact == "" || s.From == "" {
			return fmt.Errorf("source %q needs a fact, where it is from and a date", s.Fact)
		}
	}
	return nil
}

func (m *matcher) compile(code, text string) (err error) {
	if code == "" && text == "" {
		return errors.New("an entry has neither code nor text")
	}
	if m.code = code; code != strings.ToUpper(code) {
		return fmt.Errorf("code %q is not in capitals", code)
	}
	if text == "" {
		return nil
	}
	if m.text, err = regexp.Compile("(?i)" + text); err != nil {
		return err
	}
	for _, group := range m.text.SubexpNames() {
		if !slices.Contains([]string{"", "ms", "s", "min"}, group) {
			return fmt.Errorf("text %q has a group %q", text, group)
		}
	}
	return nil
}
