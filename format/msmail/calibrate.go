package msmail

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"

	"waybill/failure"
	"waybill/format/msmail/evidence"
	"waybill/format/msmail/glb"
	"waybill/format/msmail/mai"
)

// How many messages and attachments are looked at to find out the cipher.
const (
	sampleMessages = 400
	samplePerBag   = 12
	sampleFiles    = 64
)

// calibrate derives the cipher's key from messages whose sender and subject stand
// in the mailbags in clear.
func (p *Postoffice) calibrate(ctx context.Context) error {
	seen := map[glb.ID]bool{}
	for i := range p.bags {
		taken := 0
		for j := range p.bags[i].rows {
			row := &p.bags[i].rows[j]
			id, ok := glb.ParseID(row.File())
			if !ok || seen[id] || taken >= samplePerBag || len(p.sample) >= sampleMessages {
				continue
			}
			seen[id] = true
			e, err := p.envelope(ctx, part{file: letterFile("MAI", id)})
			if err != nil {
				if class := failure.ClassOf(err); class == failure.Malformed || class == failure.Vanished || class == failure.Denied {
					continue // told by Check; here only sound messages help
				}
				return err
			}
			taken++
			p.sample = append(p.sample, mai.Known{Envelope: e, Sender: row.Sender(), Subject: row.Subject()})
		}
	}
	home, err := p.homePlaces()
	if err != nil {
		return err
	}
	var places []string
	for _, place := range append(home, p.places()...) {
		if coded, replaced := p.page.Encode(place); replaced == 0 {
			places = append(places, coded)
		}
	}
	if len(places) > 500 {
		places = places[:500]
	}
	c, found, ok := mai.Derive(p.sample, places)
	p.cipher, p.known = c, ok
	p.evidence = append(p.evidence, found)
	if !ok {
		if len(p.sample) > 0 {
			p.found("msmail.key", "MAI", -1, evidence.Hypothesis, "", "Q130322", "no key explains the strings of the messages (%s); their texts cannot be read", found)
		}
		return nil
	}
	long, sure, foundLong := mai.DeriveLong(c, p.sample)
	p.cipher, p.sure = long, sure
	p.evidence = append(p.evidence, foundLong)
	return nil
}

// calibrateFiles finds out how ATT files are encrypted, from attachments that show
// it by themselves.
func (p *Postoffice) calibrateFiles(ctx context.Context) error {
	if !p.known {
		return nil
	}
	found := evidence.Finding{Of: "ATT encryption", Text: "attachments that begin like a file of a known kind"}
	votes := make(map[mai.Cipher]int)
	plain := 0
	for i := range p.sample {
		m := p.sample[i].Envelope.Decode(&p.cipher)
		for _, f := range m.Files {
			if ctx.Err() != nil || found.Total >= sampleFiles {
				break
			}
			if !f.HasID {
				continue
			}
			head, size, err := p.fileHead(letterFile("ATT", f.ID))
			if err != nil {
				return err
			}
			if size < 16 || !fitsSize(size, f.Size) {
				continue
			}
			found.Total++
			switch form, _, ok := p.judge(f.Name, head, size); {
			case ok && form == nil:
				plain++
			case ok:
				votes[*form]++
			}
		}
	}
	for c, n := range votes {
		if n > found.For {
			found.RunnerUp, found.For = found.For, n
			p.att = &c
			found.Choice = "as one string with the key of the messages"
		} else {
			found.RunnerUp = max(found.RunnerUp, n)
		}
	}
	if plain > found.For {
		p.att, found.RunnerUp, found.For, found.Choice = nil, found.For, plain, "in clear"
	} else {
		found.RunnerUp = max(found.RunnerUp, plain)
	}
	// Kinds of files that do not show themselves speak neither for nor against.
	found.Total = max(found.For+found.RunnerUp, 0)
	p.attOK = found.Proven()
	p.evidence = append(p.evidence, found)
	return nil
}

// headSize is how much of an attachment is looked at.
const headSize = 32 << 10

// fileHead reads the beginning of a file; a missing one has size -1.
func (p *Postoffice) fileHead(name string) ([]byte, int64, error) {
	f, size, err := p.tree.Open(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) || failure.RuleOf(err) == "msmail.link" {
			return nil, -1, nil
		}
		return nil, 0, err
	}
	defer func() { _ = f.Close() }()
	head, err := io.ReadAll(io.LimitReader(f, headSize))
	if err != nil {
		return nil, 0, failure.New(failure.ClassOf(err), "read", name, "msmail.read", err)
	}
	return head, size, nil
}

// fitsSize compares a file's size with the one that the message states; some
// padding is allowed for.
func fitsSize(actual, stated int64) bool {
	return stated < 0 || actual >= stated && actual-stated < 512
}

// judge finds the form in which an attachment makes sense by itself. Forms that
// differ beyond the 256th octet only are told apart by the messages, or by text that
// is text in one of them alone.
func (p *Postoffice) judge(name string, head []byte, size int64) (form *mai.Cipher, kind string, ok bool) {
	texts := 0
	for i, c := range mai.FileForms(p.cipher) {
		plain := head
		if c != nil {
			plain = c.Decrypt(head)
		}
		switch k := mai.ContentKind(name, plain); {
		case k == "":
		case c == nil, i == 1 && size <= p.sure:
			return c, k, true
		case k == "text" && size <= headSize:
			texts++
			form, kind = c, k
		}
	}
	return form, kind, texts == 1
}

// nameHome finds the names of the postoffice itself from what local senders and
// recipients are called in messages.
func (p *Postoffice) nameHome(context.Context) error {
	if p.network != "" && p.post != "" || !p.known {
		return p.guessHome()
	}
	votes := map[string]int{}
	total := 0
	local := p.localLogins()
	for i := range p.sample {
		m := p.sample[i].Envelope.Decode(&p.cipher)
		for _, party := range append(m.From, m.To...) {
			at := strings.LastIndexByte(party.Address, '/')
			if party.Type != mai.NativeAddress || at < 0 || strings.Count(party.Address, "/") != 2 || !local[strings.ToUpper(party.Address[at+1:])] {
				continue
			}
			total++
			votes[p.page.Decode(party.Address[:at])]++
		}
	}
	found := evidence.Finding{Of: "postoffice's own name", Total: total, Text: "addresses in messages whose mailbox is in ACCESS2.GLB"}
	for place, n := range votes {
		switch {
		case n > found.For || n == found.For && place < found.Choice:
			found.Choice, found.RunnerUp, found.For = place, found.For, n
		case n > found.RunnerUp:
			found.RunnerUp = n
		}
	}
	p.evidence = append(p.evidence, found)
	if network, post, ok := strings.Cut(found.Choice, "/"); ok && found.For > found.RunnerUp {
		if p.network == "" {
			p.network = network
		}
		if p.post == "" {
			p.post = post
		}
		return nil
	}
	return p.guessHome()
}

// guessHome takes the home network's name, and the postoffice's only where
// MASTER.GLB has one candidate.
func (p *Postoffice) guessHome() error {
	home, err := p.homePlaces()
	if err != nil || p.network != "" && p.post != "" {
		return err
	}
	for _, n := range p.networks {
		if n.Home && p.network == "" {
			p.network = n.Name
		}
	}
	if len(home) == 1 && p.post == "" {
		_, p.post, _ = strings.Cut(home[0], "/")
		p.evidence = append(p.evidence, evidence.Finding{Of: "postoffice's own name", Choice: home[0], For: 1, Total: 1, Text: "the only other word in MASTER.GLB"})
	}
	return nil
}

func (p *Postoffice) localLogins() map[string]bool {
	logins := map[string]bool{}
	for i := range p.access.Len() {
		if name := p.accessAt.Mailbox(p.access.Record(i)); name != "" && p.loginOK {
			logins[strings.ToUpper(name)] = true
		}
	}
	if len(logins) == 0 { // senders of mail that lies here are mostly from here
		for i := range p.sample {
			logins[strings.ToUpper(p.sample[i].Sender)] = true
		}
	}
	return logins
}
