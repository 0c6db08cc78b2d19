package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"waybill/engine"
	"waybill/failure"
)

// TestExitCodes tries every exit code, and compares them with the table of the
// manual.
func TestExitCodes(t *testing.T) {
	of := func(c failure.Class, err error) error { return failure.New(c, "op", "place", "test.rule", err) }
	tested := map[int]bool{}
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, exitProven},
		{codeError(exitExceptions), exitExceptions},
		{fmt.Errorf("x: %w", codeError(exitExceptions)), exitExceptions},
		{errors.New("odd"), exitIncomplete},
		{of(failure.Internal, nil), exitIncomplete},
		{of(failure.Transient, nil), exitIncomplete},
		{of(failure.Denied, nil), exitIncomplete},
		{of(failure.Full, nil), exitIncomplete},
		{of(failure.Conflict, nil), exitIncomplete},
		{of(failure.Malformed, nil), exitIncomplete},
		{of(failure.Denied, engine.ErrRefused), exitRefused},
		{errors.Join(errors.New("odd"), of(failure.Denied, engine.ErrRefused)), exitRefused},
		{of(failure.Usage, nil), exitUsage},
		{fmt.Errorf("x: %w", of(failure.Usage, nil)), exitUsage},
		{of(failure.Cancelled, nil), exitCancelled},
		{fmt.Errorf("x: %w", context.Canceled), exitCancelled},
	} {
		tested[c.want] = true
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v ends with %d, want %d", c.err, got, c.want)
		}
	}
	documented := map[int]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| (\d+) \|`).FindAllStringSubmatch(manual(t)["exit-codes.md"], -1) {
		code, err := strconv.Atoi(row[1])
		if err != nil || documented[code] {
			t.Errorf("the manual's row %q", row[0])
		}
		documented[code] = true
	}
	if !maps.Equal(tested, documented) {
		t.Errorf("the manual has the codes %v, tested are %v", slices.Sorted(maps.Keys(documented)), slices.Sorted(maps.Keys(tested)))
	}
}

// manual reads all pages, and the readme.
func manual(t testing.TB) map[string]string {
	t.Helper()
	root := filepath.Join("..", "..")
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no manual: %v", err)
	}
	pages := map[string]string{}
	for _, f := range append(files, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		pages[filepath.Base(f)] = string(text)
	}
	return pages
}

var (
	codeLine = regexp.MustCompile(`(?m)^(?: {4,}|\t)(?:bin/)?(waybill .*)$`)
	codeSpan = regexp.MustCompile("`(?:bin/)?(waybill [^`]+)`|\"(waybill [^\"\n]+)\"")
	flagSpan = regexp.MustCompile("`((?:[a-z]+ )*--[^`]+)`|(?:^|[ (])(--[a-z][a-z-]+)")
)

// TestManualKnowsTheCommandLine checks every command and flag that the manual
// names against the grammar.
func TestManualKnowsTheCommandLine(t *testing.T) {
	commands, flags := 0, 0
	known := map[string]bool{}
	var walk func(*kong.Node)
	model := grammar(t).Model
	walk = func(n *kong.Node) {
		for _, f := range n.Flags {
			known["--"+f.Name] = true
		}
		for _, c := range n.Children {
			walk(c)
		}
	}
	walk(model.Node)
	for page, text := range manual(t) {
		for _, line := range codeLine.FindAllStringSubmatch(text, -1) {
			commands++
			args := words(line[1])
			if _, err := grammar(t).Parse(args[1:]); err != nil {
				t.Errorf("%s: %q: %v", page, line[1], err)
			}
		}
		for _, span := range codeSpan.FindAllStringSubmatch(text, -1) {
			commands++
			if fault := unknownIn(model.Node, words(span[1] + span[2])[1:]); fault != "" {
				t.Errorf("%s: %q: there is no %s", page, span[0], fault)
			}
		}
		for _, span := range flagSpan.FindAllStringSubmatch(ownLines(text), -1) {
			for _, word := range words(span[1] + span[2]) {
				if name, _, _ := strings.Cut(word, "="); strings.HasPrefix(name, "--") {
					flags++
					if !known[name] {
						t.Errorf("%s: %q: there is no %s", page, span[0], name)
					}
				}
			}
		}
	}
	if commands < 30 || flags < 8 {
		t.Errorf("only %d commands and %d flags were found: the pages are not read as they are written", commands, flags)
	}
}

func grammar(t testing.TB) *kong.Kong {
	t.Helper()
	parser, err := kong.New(&root{}, kong.Name("waybill"), kong.Writers(io.Discard, io.Discard), kong.Exit(func(int) {}), kong.Vars{"version": "test"},
		kong.ExplicitGroups([]kong.Group{{Key: "moving"}, {Key: "looking"}, {Key: "site"}}))
	if err != nil {
		t.Fatal(err)
	}
	return parser
}

// words takes a command line apart as a shell does, up to a pipe, a redirection
// or the explanation behind it.
func words(line string) (list []string) {
	line, _, _ = strings.Cut(strings.TrimRight(line, " "), "   ")
	var word strings.Builder
	quote, begun := rune(0), false
	for _, r := range line + " " {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			quote, begun = r, true
		case quote == 0 && r == ' ':
			if begun {
				list = append(list, word.String())
			}
			word.Reset()
			begun = false
		case quote == 0 && (r == '|' || r == '>' || r == '#'):
			return list
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	return list
}

// unknownIn finds the first command or flag that the grammar does not have.
func unknownIn(node *kong.Node, args []string) string {
	inCommand := true
	for _, word := range args {
		if strings.HasPrefix(word, "--") {
			name, _, _ := strings.Cut(word[2:], "=")
			if !slices.ContainsFunc(slices.Concat(node.AllFlags(false)...), func(f *kong.Flag) bool { return f.Name == name }) {
				return word
			}
			inCommand = false
			continue
		}
		if !inCommand {
			continue
		}
		at := slices.IndexFunc(node.Children, func(c *kong.Node) bool { return c.Name == word })
		switch {
		case at >= 0:
			node = node.Children[at]
		case len(node.Children) > 0:
			return word
		default:
			inCommand = false // what follows are arguments
		}
	}
	return ""
}

// ownLines leaves out the commands of other programs.
func ownLines(text string) string {
	var own strings.Builder
	for line := range strings.SplitSeq(text, "\n") {
		if code := strings.HasPrefix(line, "    ") && !strings.Contains(line, "waybill "); !code {
			own.WriteString(line + "\n")
		}
	}
	return own.String()
}
