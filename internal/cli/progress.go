package cli

import (
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"

	"waybill/engine"
)

// display shows the copying: bars on a terminal, lines elsewhere.
type display interface {
	engine.Progress
	// Line prints a line above the bars.
	Line(text string)
	// Close ends the display and leaves its last state on the screen.
	Close()
}

// newDisplay chooses how to show progress.
func (e *env) newDisplay() display {
	if f, ok := e.stderr.(*os.File); ok && !e.json && term.IsTerminal(int(f.Fd())) {
		return newBars(f)
	}
	return &lines{e: e, began: time.Now(), last: time.Now(), boxes: map[string]*boxCount{}}
}

// boxCount is one mailbox's progress.
type boxCount struct {
	total, done, bytes int64
	bar                *mpb.Bar
	state              string
}

// maxBars is how many finished mailboxes keep their line on the terminal.
const maxBars = 20

// bars is one line per mailbox and one for all, with rate and time to go.
type bars struct {
	mu     sync.Mutex
	p      *mpb.Progress
	boxes  map[string]*boxCount
	sum    *mpb.Bar
	keep   bool
	began  time.Time
	bytes  int64
	total  int64
	counts struct{ done, all int }
}

func newBars(f *os.File) *bars {
	return &bars{p: mpb.New(mpb.WithOutput(f), mpb.WithWidth(40), mpb.WithRefreshRate(150*time.Millisecond)), boxes: map[string]*boxCount{}}
}

// Planned implements engine.Progress.
func (b *bars) Planned(mailboxes int, _, bytes int64) {
	// Bars are added without the lock: adding waits for the drawing, and the
	// drawing asks for the lock.
	b.mu.Lock()
	b.keep, b.began, b.total, b.counts.all = mailboxes <= maxBars, time.Now(), bytes, mailboxes
	b.mu.Unlock()
	sum := b.p.AddBar(max(bytes, 1), mpb.BarPriority(1<<30),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return b.sumText() }, decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return b.rateText() })))
	b.mu.Lock()
	b.sum = sum
	b.mu.Unlock()
}

func (b *bars) sumText() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprintf("all: %d/%d mailboxes", b.counts.done, b.counts.all)
}

// rateText is honest about time to go: nothing in the first seconds, and "?"
// while the size of the source is not known.
func (b *bars) rateText() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return rateText(time.Since(b.began), b.bytes, b.total)
}

func rateText(elapsed time.Duration, done, total int64) string {
	text := fmt.Sprintf("%s of %s, %s/s", size(done), size(total), size(int64(float64(done)/max(elapsed.Seconds(), 0.001))))
	switch {
	case total >= 0 && done >= total:
		return text + ", in " + elapsed.Round(time.Second/10).String()
	case elapsed < 2*time.Second || done == 0:
		return text
	case total < 0:
		return text + ", time to go unknown"
	}
	left := time.Duration(float64(elapsed) * float64(max(total-done, 0)) / float64(done))
	return text + ", about " + left.Round(time.Second).String() + " to go"
}

// MailboxStarted implements engine.Progress.
func (b *bars) MailboxStarted(user string, _, bytes int64) {
	b.mu.Lock()
	box := b.boxes[user]
	if box != nil { // resumed after a wait
		box.state = ""
		b.mu.Unlock()
		return
	}
	box = &boxCount{total: bytes}
	b.boxes[user] = box
	keep := b.keep
	b.mu.Unlock()
	options := []mpb.BarOption{mpb.PrependDecorators(decor.Name(printable(user), decor.WCSyncSpaceR)),
		mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return b.boxText(box) }))}
	if !keep {
		options = append(options, mpb.BarRemoveOnComplete())
	}
	bar := b.p.AddBar(max(bytes, 1), options...)
	b.mu.Lock()
	box.bar = bar
	b.mu.Unlock()
}

func (b *bars) boxText(box *boxCount) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprintf("%d messages, %s %s", box.done, size(box.bytes), box.state)
}

// Advanced implements engine.Progress.
func (b *bars) Advanced(user string, messages, bytes int64) {
	b.mu.Lock()
	box := b.boxes[user]
	b.bytes += bytes
	done := b.bytes
	var at int64
	if box != nil {
		box.done += messages
		box.bytes += bytes
		at = box.bytes
	}
	b.mu.Unlock()
	if box != nil {
		// A bar is full when its mailbox is finished, not when an estimate of
		// its size is used up.
		box.bar.SetCurrent(min(at, max(box.total, 1)-1))
		b.sum.SetCurrent(min(done, max(b.total, 1)-1))
	}
}

// Waiting implements engine.Progress.
func (b *bars) Waiting(user, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if box := b.boxes[user]; box != nil {
		box.state = reason
	}
}

// MailboxFinished implements engine.Progress.
func (b *bars) MailboxFinished(user string, err error) {
	b.mu.Lock()
	box := b.boxes[user]
	b.counts.done++
	if box != nil {
		box.state = "done"
		if err != nil {
			box.state = "NOT COMPLETE"
		}
	}
	b.mu.Unlock()
	switch {
	case box == nil:
	case err != nil:
		box.bar.Abort(false) // stays where it is
	default:
		box.bar.SetCurrent(max(box.total, 1)) // a bar made with a total ends when it reaches that
	}
}

// Line implements display.
func (b *bars) Line(text string) { _, _ = b.p.Write([]byte(text + "\n")) }

// Close implements display.
func (b *bars) Close() {
	b.mu.Lock()
	sum, total, all := b.sum, b.total, b.counts.done == b.counts.all
	var open []*mpb.Bar
	for _, box := range b.boxes {
		open = append(open, box.bar)
	}
	b.mu.Unlock()
	for _, bar := range open {
		if bar.IsRunning() {
			bar.Abort(false)
		}
	}
	if sum != nil {
		if all {
			sum.SetCurrent(max(total, 1))
		}
		sum.Abort(false) // for one that is not full even so: waiting for it would never end
	}
	b.p.Wait()
}

// lines prints a line when a mailbox begins or ends, and every few seconds.
type lines struct {
	e     *env
	mu    sync.Mutex
	began time.Time
	last  time.Time
	boxes map[string]*boxCount
	total int64
	done  int64
	bytes int64
	ended int
	all   int
}

// linePause is the least time between two lines that only tell how far it is.
const linePause = 5 * time.Second

func (l *lines) put(kind, text string, fields map[string]any) {
	if l.e.json {
		fields["type"], fields["phase"] = "progress", kind
		l.e.emitJSON(fields)
		return
	}
	_, _ = fmt.Fprintln(l.e.stderr, text)
}

// Planned implements engine.Progress.
func (l *lines) Planned(mailboxes int, messages, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total, l.all, l.began = bytes, mailboxes, time.Now()
	l.put("planned", fmt.Sprintf("copying %d mailboxes, %s messages, %s", mailboxes, count(messages), size(bytes)),
		map[string]any{"mailboxes": mailboxes, "messages": messages, "bytes": bytes})
}

// MailboxStarted implements engine.Progress.
func (l *lines) MailboxStarted(user string, messages, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.boxes[user] == nil {
		l.boxes[user] = &boxCount{total: bytes}
		l.put("started", fmt.Sprintf("%s: started, %s messages, %s", printable(user), count(messages), size(bytes)),
			map[string]any{"user": user, "messages": messages, "bytes": bytes})
	}
}

// Advanced implements engine.Progress.
func (l *lines) Advanced(user string, messages, bytes int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done += messages
	l.bytes += bytes
	if box := l.boxes[user]; box != nil {
		box.done += messages
		box.bytes += bytes
	}
	if now := time.Now(); now.Sub(l.last) >= linePause {
		l.last = now
		l.put("running", fmt.Sprintf("all: %d/%d mailboxes, %d messages, %s", l.ended, l.all, l.done, rateText(time.Since(l.began), l.bytes, l.total)),
			map[string]any{"mailboxes_done": l.ended, "mailboxes": l.all, "messages": l.done, "bytes": l.bytes, "bytes_total": l.total, "seconds": time.Since(l.began).Seconds()})
	}
}

// Waiting implements engine.Progress.
func (l *lines) Waiting(user, reason string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if reason != "" {
		l.put("waiting", fmt.Sprintf("%s: %s", printable(user), printable(reason)), map[string]any{"user": user, "reason": reason})
	}
}

// MailboxFinished implements engine.Progress.
func (l *lines) MailboxFinished(user string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended++
	box := l.boxes[user]
	if box == nil {
		box = &boxCount{}
	}
	text, fields := "done", map[string]any{"user": user, "messages": box.done, "bytes": box.bytes, "complete": err == nil}
	if err != nil {
		text = "NOT COMPLETE: " + printable(err.Error())
		fields["error"] = err.Error()
	}
	l.put("finished", fmt.Sprintf("%s: %d messages, %s, %s", printable(user), box.done, size(box.bytes), text), fields)
}

// Line implements display.
func (l *lines) Line(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = fmt.Fprintln(l.e.stderr, text)
}

// Close implements display.
func (l *lines) Close() {}
