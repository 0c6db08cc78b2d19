package secret

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"waybill/failure"
)

func TestParse(t *testing.T) {
	for _, text := range []string{"env:A", "file:a/b", "command:pass show mail", `command:pass "a b"`, "keyring:imap.example.org/anna"} {
		r, err := Parse(text)
		if err != nil || r.String() != text || r.IsZero() {
			t.Errorf("%q: %q, %v", text, r, err)
		}
	}
	for _, text := range []string{"", "hunter2", "env:", "pass:hunter2", "keyring:hunter2", "keyring:/hunter2", "keyring:hunter2/", `command:"hunter2`, "command: "} {
		_, err := Parse(text)
		if failure.ClassOf(err) != failure.Usage || failure.RuleOf(err) != "secret.reference" {
			t.Errorf("%q: %v", text, err)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q shows itself: %v", text, err)
		}
	}
}

func TestValueNeverPrints(t *testing.T) {
	v := Of("hunter2")
	inside := struct {
		Shown  Value
		hidden Value
		list   []Value
	}{v, v, []Value{v}}
	var all strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
		fmt.Fprintf(&all, verb+" "+verb+" "+verb+"\n", v, &v, inside)
	}
	text, err := json.Marshal(map[string]any{"v": v, "inside": inside})
	if err != nil {
		t.Fatal(err)
	}
	all.Write(text)
	slog.New(slog.NewJSONHandler(&all, nil)).Info("x", "v", v, "inside", inside, "error", fmt.Errorf("with %v", v))
	slog.New(slog.NewTextHandler(&all, nil)).Info("x", "v", v, "inside", inside)
	for _, form := range []string{"hunter2", fmt.Sprintf("%x", "hunter2"), fmt.Sprintf("%v", []byte("hunter2"))} {
		if strings.Contains(all.String(), form) {
			t.Errorf("the secret shows: %s", all.String())
		}
	}
	if v.Reveal() != "hunter2" || (Value{}).Reveal() != "" || !(Value{}).IsZero() || v.IsZero() {
		t.Error("the secret itself is not given")
	}
}

func write(t *testing.T, name, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil { // whatever the umask
		t.Fatal(err)
	}
	return path
}

// resolve resolves a reference and says what came of it: the secret, or the rule.
func resolve(t *testing.T, ctx context.Context, text string) string {
	t.Helper()
	r, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	v, err := r.Resolve(ctx)
	if err != nil {
		if _, ok := errors.AsType[*failure.Error](err); !ok {
			t.Errorf("%s: no failure: %v", text, err)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the secret shows: %v", text, err)
		}
		return failure.RuleOf(err)
	}
	return v.Reveal()
}

func TestResolve(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the programs here are those of Unix")
	}
	t.Setenv("WAYBILL_TEST", "hunter2 ")
	t.Setenv("WAYBILL_EMPTY", "")
	script := func(text string) string {
		return "command:" + write(t, "program", "#!/bin/sh\n"+text, 0o700)
	}
	for name, c := range map[string]struct{ ref, want string }{
		"environment":               {"env:WAYBILL_TEST", "hunter2 "},
		"empty variable":            {"env:WAYBILL_EMPTY", "secret.missing"},
		"no variable":               {"env:WAYBILL_NOT_THERE", "secret.missing"},
		"file":                      {"file:" + write(t, "f", "hunter2\nsecond line\n", 0o600), "hunter2"},
		"file of Windows":           {"file:" + write(t, "f", "hunter2\r\n", 0o400), "hunter2"},
		"file without line end":     {"file:" + write(t, "f", " hunter2 ", 0o600), " hunter2 "},
		"file that the group reads": {"file:" + write(t, "f", "hunter2", 0o640), "secret.mode"},
		"file that others write":    {"file:" + write(t, "f", "hunter2", 0o602), "secret.mode"},
		"empty file":                {"file:" + write(t, "f", "\nhunter2", 0o600), "secret.missing"},
		"NUL":                       {"file:" + write(t, "f", "hunter2\x00x", 0o600), "secret.malformed"},
		"large file":                {"file:" + write(t, "f", strings.Repeat("hunter2", 10000), 0o600), "secret.too-large"},
		"no file":                   {"file:" + filepath.Join(t.TempDir(), "f"), "secret.file"},
		"folder":                    {"file:" + t.TempDir(), "secret.file"},
		"device":                    {"file:/dev/zero", "secret.file"},
		"program":                   {script("echo hunter2; echo more"), "hunter2"},
		"program with words":        {script(`printf '%s|' "$@"`) + ` one "two \" three" 'fo\ur' "" fi\ ve`, `one|two " three|fo\ur||fi ve|`},
		"no shell":                  {script(`printf '%s|' "$@"`) + ` $HOME * ; echo x`, `$HOME|*|;|echo|x|`},
		"program without input":     {script("read x || echo hunter2"), "hunter2"},
		"program that fails":        {script("echo hunter2; echo oh hunter2 >&2; exit 3"), "secret.command"},
		"program that is silent":    {script("exit 0"), "secret.missing"},
		"program that talks on":     {script("yes hunter2 | head -c 300000"), "hunter2"},
		"program with a long line":  {script("yes hunter2 | tr -d '\\n' | head -c 300000"), "secret.too-large"},
		"no program":                {"command:/nonexistent/program", "secret.command"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := resolve(t, t.Context(), c.ref); got != c.want {
				t.Errorf("%s gives %q, want %q", c.ref, got, c.want)
			}
		})
	}
	if r := (Ref{}); r.String() != "" {
		t.Errorf("%q", r)
	} else if _, err := r.Resolve(t.Context()); failure.RuleOf(err) != "secret.missing" {
		t.Error(err)
	}
}

func TestResolveAll(t *testing.T) {
	t.Setenv("WAYBILL_TEST", "one\ntwo")
	for _, text := range []string{"env:WAYBILL_TEST", "file:" + write(t, "f", "one\ntwo", 0o600), "command:printf 'one\\ntwo'"} {
		r, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if v, err := r.ResolveAll(t.Context()); err != nil || v.Reveal() != "one\ntwo" {
			t.Errorf("%s: %q, %v", text, v.Reveal(), err)
		}
	}
	r, _ := Parse("file:" + write(t, "f", strings.Repeat("hunter2\n", 10000), 0o600))
	if _, err := r.ResolveAll(t.Context()); failure.RuleOf(err) != "secret.too-large" {
		t.Error(err)
	}
}

func TestCommandFailure(t *testing.T) {
	r, _ := Parse("command:" + write(t, "program", "#!/bin/sh\nprintf 'no such entry\\033[2J\\nmore' >&2; exit 7", 0o700))
	_, err := r.Resolve(t.Context())
	if err == nil || !strings.Contains(err.Error(), "exit status 7: no such entry") || strings.Contains(err.Error(), "more") || strings.ContainsRune(err.Error(), 0x1b) {
		t.Errorf("%v", err)
	}
}

func TestCommandCancelled(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "started")
	r, _ := Parse("command:" + write(t, "program", "#!/bin/sh\n: >'"+fifo+"'; exec sleep 50", 0o700))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := r.Resolve(ctx)
		done <- err
	}()
	cancel()
	if err := <-done; failure.ClassOf(err) != failure.Cancelled {
		t.Errorf("%v", err)
	}
}

func TestKeyring(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("secret-tool is Linux'")
	}
	dir := t.TempDir()
	t.Setenv("PATH", dir)
	if got := resolve(t, t.Context(), "keyring:imap.example.org/anna"); got != "secret.keyring" {
		t.Errorf("without secret-tool: %q", got)
	}
	program := "#!/bin/sh\n[ \"$*\" = 'lookup service imap.example.org account anna/b c' ] && echo hunter2 && exit 0\nexit 1\n"
	if err := os.WriteFile(filepath.Join(dir, "secret-tool"), []byte(program), 0o700); err != nil {
		t.Fatal(err)
	}
	if got := resolve(t, t.Context(), "keyring:imap.example.org/anna/b c"); got != "hunter2" {
		t.Errorf("%q", got)
	}
	if got := resolve(t, t.Context(), "keyring:imap.example.org/ben"); got != "secret.missing" {
		t.Errorf("unknown entry: %q", got)
	}
	for system, want := range map[string]string{"darwin": "security find-generic-password -s s -a a -w", "freebsd": "secret-tool lookup service s account a", "windows": ""} {
		if words, _ := keyringCommand(system, "s", "a"); strings.Join(words, " ") != want {
			t.Errorf("%s: %q", system, words)
		}
	}
}

func TestReplace(t *testing.T) {
	path := write(t, "token", "old\n", 0o600)
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Skip(err)
	}
	r, _ := Parse("file:" + link)
	if done, err := r.Replace(Of("new")); !done || err != nil {
		t.Fatal(done, err)
	}
	if got := resolve(t, t.Context(), "file:"+path); got != "new" {
		t.Errorf("%q", got)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
	env, _ := Parse("env:X")
	if done, err := env.Replace(Of("new")); done || err != nil {
		t.Error(done, err)
	}
	gone, _ := Parse("file:" + filepath.Join(t.TempDir(), "no", "file"))
	if done, err := gone.Replace(Of("new")); done || err == nil {
		t.Error(done, err)
	}
}

func TestWordsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SliceOf(rapid.String()).Draw(t, "words")
		quoted := make([]string, len(words))
		for i, w := range words {
			if rapid.Bool().Draw(t, "single") {
				quoted[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
			} else {
				quoted[i] = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(w) + `"`
			}
		}
		got, err := splitWords(strings.Join(quoted, " \t"))
		if err != nil || strings.Join(got, "\x01|") != strings.Join(words, "\x01|") || len(got) != len(words) {
			t.Fatalf("%q from %q, %v", got, words, err)
		}
	})
}

func FuzzSplitWords(f *testing.F) {
	for _, s := range []string{"", "a b", `"a`, `\`, `a\`, `''`, `"\x"`, "a'b\"c'd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		words, err := splitWords(text)
		total := 0
		for _, w := range words {
			total += len(w)
		}
		if total > len(text) || err != nil && words != nil {
			t.Fatalf("%q from %q, %v", words, text, err)
		}
	})
}
