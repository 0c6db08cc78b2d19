package report

import "strings"

// recipe is one way to check the waybill without trusting it.
type recipe struct{ Title, Text, Command string }

func recipes(w *Waybill) []recipe {
	from, to := quote(visible(w.Source.Location, textLimit)), quote(visible(w.Target.Location, textLimit))
	if w.ExitCode() == ExitRefused {
		return []recipe{{
			Title:   "Try the rights once more",
			Text:    "Does what the run would do with two mailboxes at the same time, and prints what is missing.",
			Command: "waybill preflight --from " + from + " --to " + to,
		}}
	}
	list := []recipe{{
		Title:   "Read everything back once more",
		Text:    "Reads each delivered message from the target again and compares content, folder, date and flags with the source. It changes nothing.",
		Command: "waybill verify --from " + from + " --to " + to,
	}}
	if w.MessagesSHA256 != "" {
		list = append(list, recipe{
			Title:   "Check the list of messages",
			Text:    "The list belongs to this page if its SHA-256 is the one below.",
			Command: "echo '" + w.MessagesSHA256 + "  " + MessagesFile + "' | sha256sum --check",
		}, recipe{
			Title:   "Count the outcomes yourself",
			Text:    "The list has one line for each message that it names; counting them by state must give the counts on this page.",
			Command: "jq -r .state " + MessagesFile + " | sort | uniq -c",
		})
	}
	if w.Level == "exact bytes" {
		list = append(list, recipe{
			Title:   "Compare one message by hand",
			Text:    "The SHA-256 in the list is that of the message's bytes and nothing else. Take the file of a message out of either system and compute it.",
			Command: "sha256sum < message.eml",
		})
	} else {
		list = append(list, recipe{
			Title:   "Compare one message by hand",
			Text:    "The SHA-256 in the list is that of the bytes in the source. This target keeps the meaning of a message and not its bytes, so its copy has another digest; compare headers, text and attachments instead.",
			Command: "sha256sum < message.eml",
		})
	}
	return list
}

// quote writes s as one word for a POSIX shell.
func quote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+=,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
