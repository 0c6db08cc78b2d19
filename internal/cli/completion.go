package cli

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

type completionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

func (c *completionCmd) Help() string {
	return "For bash: waybill completion bash > /etc/bash_completion.d/waybill"
}

// Run prints a script made from the grammar, so that it never lags behind it.
func (c *completionCmd) Run(e *env) error {
	if e.json {
		var script strings.Builder
		text := *e
		text.json, text.stdout = false, &script
		err := c.Run(&text)
		e.emitJSON(map[string]any{"type": "script", "shell": c.Shell, "text": script.String()})
		return err
	}
	words := map[string][]string{}
	var commands []string
	collect(e.model.Model.Node, "", words, &commands)
	switch c.Shell {
	case "fish":
		for _, command := range commands {
			for _, w := range words[command] {
				_, _ = fmt.Fprintf(e.stdout, "complete -c waybill -f -n '%s' -a '%s'\n", fishCondition(command), w)
			}
		}
		return nil
	case "zsh":
		_, _ = fmt.Fprintln(e.stdout, "#compdef waybill\nautoload -U +X bashcompinit && bashcompinit")
	}
	_, _ = fmt.Fprintln(e.stdout, "_waybill() {\n  local cur=\"${COMP_WORDS[COMP_CWORD]}\" path=\"\" w words\n  for w in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n    case \"$path $w\" in")
	for _, command := range commands {
		if command != "" {
			_, _ = fmt.Fprintf(e.stdout, "      %q) path=%q ;;\n", parentOf(command)+" "+lastOf(command), command)
		}
	}
	_, _ = fmt.Fprintln(e.stdout, "    esac\n  done\n  case \"$path\" in")
	for _, command := range commands {
		_, _ = fmt.Fprintf(e.stdout, "    %q) words=%q ;;\n", command, strings.Join(words[command], " "))
	}
	_, _ = fmt.Fprintln(e.stdout, "  esac\n  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n  [ ${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- \"$cur\"))\n}\ncomplete -o filenames -F _waybill waybill")
	return nil
}

// collect lists, for each command, the words that may follow it.
func collect(node *kong.Node, path string, words map[string][]string, commands *[]string) {
	*commands = append(*commands, path)
	for _, child := range node.Children {
		if child.Type == kong.CommandNode && !child.Hidden {
			words[path] = append(words[path], child.Name)
			collect(child, strings.TrimSpace(path+" "+child.Name), words, commands)
		}
	}
	for _, flags := range node.AllFlags(true) {
		for _, f := range flags {
			words[path] = append(words[path], "--"+f.Name)
		}
	}
}

func parentOf(command string) string {
	if i := strings.LastIndexByte(command, ' '); i >= 0 {
		return command[:i]
	}
	return ""
}

func lastOf(command string) string { return command[strings.LastIndexByte(command, ' ')+1:] }

func fishCondition(command string) string {
	if command == "" {
		return "__fish_use_subcommand"
	}
	var parts []string
	for w := range strings.FieldsSeq(command) {
		parts = append(parts, "__fish_seen_subcommand_from "+w)
	}
	return strings.Join(parts, "; and ")
}
