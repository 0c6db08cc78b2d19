package test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"waybill/internal/counterpart"
)

// growth is mail that arrives in a server over its users' own sessions: some
// messages equal to earlier ones, in old and new folders, with flags, keywords
// and dates, and flags that change afterwards. It is used by one goroutine at a
// time.
type growth struct {
	to      *mailServer
	dice    *rand.Rand
	folders map[string][]string       // of each user, as the server names them
	held    map[string]map[string]int // messages by user and folder
	old     []arrivedMessage          // to be sent again
	number  int
}

type arrivedMessage struct{ flags, date, body string }

func newGrowth(to *mailServer, dice *rand.Rand) *growth {
	g := &growth{to: to, dice: dice, folders: map[string][]string{}, held: map[string]map[string]int{}}
	for _, u := range movers {
		g.folders[u] = []string{"INBOX"}
		g.held[u] = map[string]int{}
	}
	return g
}

// total is how many messages arrived so far.
func (g *growth) total() (n int) {
	for _, box := range g.held {
		for _, k := range box {
			n += k
		}
	}
	return n
}

// arrive delivers messages to each user and changes flags of a few old ones.
func (g *growth) arrive(ctx context.Context, messages, flags int) error {
	for _, user := range movers {
		var commands []string
		if len(g.folders[user]) < 4 || g.dice.IntN(10) == 0 {
			g.number++
			name := g.to.folder(pick(g.dice, "Archive", "Entw&APw-rfe", "Projects"), fmt.Sprintf("No %d", g.number))
			commands = append(commands, "CREATE "+counterpart.Quote(name))
			g.folders[user] = append(g.folders[user], name)
		}
		for range messages {
			folder := pick(g.dice, g.folders[user]...)
			m := g.message()
			commands = append(commands, fmt.Sprintf("APPEND %s (%s) %s {%d+}\r\n%s", counterpart.Quote(folder), m.flags, m.date, len(m.body), m.body))
			g.held[user][folder]++
		}
		if _, err := counterpart.Run(ctx, g.to.addr, user, moverPassword, commands...); err != nil {
			return err
		}
		if flags > 0 {
			if err := g.mark(ctx, user, flags); err != nil {
				return err
			}
		}
	}
	return nil
}

var existsLine = regexp.MustCompile(`(?m)^\* (\d+) EXISTS`)

// mark changes flags and keywords of messages in one folder.
func (g *growth) mark(ctx context.Context, user string, n int) error {
	folder := pick(g.dice, g.folders[user]...)
	held := g.held[user][folder]
	if held == 0 {
		return nil
	}
	commands := []string{"SELECT " + counterpart.Quote(folder)}
	for range n {
		commands = append(commands, fmt.Sprintf("STORE %d %s (%s)", 1+g.dice.IntN(held), pick(g.dice, "+FLAGS", "-FLAGS"), g.flags()))
	}
	said, err := counterpart.Run(ctx, g.to.addr, user, moverPassword, commands...)
	if err != nil {
		return err
	}
	if m := existsLine.FindStringSubmatch(said); m == nil || m[1] != strconv.Itoa(held) {
		return fmt.Errorf("%s of %s should hold %d messages: %q", folder, user, held, m)
	}
	return nil
}

func (g *growth) flags() string {
	var chosen []string
	for _, f := range []string{`\Seen`, `\Answered`, `\Flagged`, `\Draft`, `$Forwarded`, `$Label1`, `Projekt-X`} {
		if g.dice.IntN(3) == 0 {
			chosen = append(chosen, f)
		}
	}
	if len(chosen) == 0 {
		chosen = append(chosen, `\Seen`)
	}
	return strings.Join(chosen, " ")
}

// message is a new message, or one of the last again: with the same flags and
// date, with others, or with only its bytes the same.
func (g *growth) message() arrivedMessage {
	zone := time.FixedZone("", 60*pick(g.dice, -480, -210, 0, 60, 120, 330, 765))
	date := time.Unix(1_000_000_000+g.dice.Int64N(700_000_000), 0).In(zone).Format(`"02-Jan-2006 15:04:05 -0700"`)
	m := arrivedMessage{flags: g.flags(), date: date}
	if len(g.old) > 0 && g.dice.IntN(5) == 0 {
		m = pick(g.dice, g.old...)
		if g.dice.IntN(2) == 0 {
			m.flags = g.flags()
		}
		if g.dice.IntN(2) == 0 {
			m.date = date
		}
		return m
	}
	g.number++
	id := ""
	if g.dice.IntN(4) > 0 {
		id = fmt.Sprintf("Message-ID: <%d@kogge.example>\r\n", g.number/3) // some share theirs
	}
	lines := g.dice.IntN(60)
	if g.dice.IntN(25) == 0 {
		lines = 3000 + g.dice.IntN(6000) // up to 600 KB: a portion of its own
	}
	m.body = fmt.Sprintf("From: hafen@kogge.example\r\nTo: all@kogge.example\r\nSubject: =?utf-8?q?Ladung_%d?=\r\n%s\r\n%s", g.number, id,
		strings.Repeat(fmt.Sprintf("Säcke, Fässer und Ballen: %d, wie verzollt und verladen im Hafen\r\n", g.dice.IntN(1000)), lines))
	g.old = append(g.old, m)
	if len(g.old) > 40 {
		g.old = slices.Delete(g.old, 0, 1)
	}
	return m
}

func pick[T any](dice *rand.Rand, of ...T) T { return of[dice.IntN(len(of))] }
