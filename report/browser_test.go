package report

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browser is a running Chromium that remembers what a page must not do.
type browser struct {
	ctx      context.Context
	mu       sync.Mutex
	errors   []string
	requests []string
}

// openBrowser starts Debian's chromium, or skips the test.
func openBrowser(t *testing.T) *browser {
	t.Helper()
	if testing.Short() {
		t.Skip("starting a browser takes seconds")
	}
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed; install the Debian package chromium to see the page in a browser")
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(program), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1280, 900))...)
	ctx, cancel := chromedp.NewContext(allocator)
	t.Cleanup(func() { cancel(); stop() })
	if err := chromedp.Do(ctx); err != nil {
		t.Skipf("chromium does not start here: %v", err)
	}
	b := &browser{}
	ctx, expire := context.WithTimeout(ctx, 4*time.Minute)
	t.Cleanup(expire)
	b.ctx = ctx
	err = chromedp.Listen(ctx, func(ev any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := ev.(type) {
		case *runtime.EventExceptionThrown:
			b.errors = append(b.errors, fmt.Sprint(e.ExceptionDetails))
		case *network.EventRequestWillBeSent:
			b.requests = append(b.requests, e.Request.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	messages := chromedp.Console(ctx)
	go func() {
		for m, err := range messages {
			if err != nil {
				return
			}
			b.mu.Lock()
			b.errors = append(b.errors, string(m.Type)+": "+m.Text)
			b.mu.Unlock()
		}
	}()
	if _, err := chromedp.Call(ctx, network.Enable, network.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *browser) run(t *testing.T, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// ask evaluates an expression in the page.
func ask[T any](t *testing.T, b *browser, expression string) T {
	t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// open writes the waybill and shows its page.
func (b *browser) open(t *testing.T, w *Waybill, list []Message) string {
	t.Helper()
	dir := t.TempDir()
	if err := Write(t.Context(), dir, w, stream(list)); err != nil {
		t.Fatal(err)
	}
	page := (&url.URL{Scheme: "file", Path: filepath.Join(dir, HTMLFile)}).String()
	b.run(t, chromedp.Navigate(page))
	return page
}

// quiet asserts that the page fetched nothing but itself and made no complaint.
func (b *browser) quiet(t *testing.T, page string) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.errors {
		t.Errorf("the page complains: %s", e)
	}
	for _, r := range b.requests {
		if r != page && !strings.HasPrefix(r, "data:") {
			t.Errorf("the page asks for %s", r)
		}
	}
	if len(b.requests) == 0 {
		t.Error("no request was seen, not even the page itself: this check sees nothing")
	}
}

// picture takes a screenshot, and keeps it in the directory that WAYBILL_SCREENSHOTS
// names, if it names one.
func (b *browser) picture(t *testing.T, name string) {
	t.Helper()
	dir, shoot := os.Getenv("WAYBILL_SCREENSHOTS"), chromedp.CaptureScreenshot()
	if dir != "" {
		shoot = chromedp.FullScreenshot(100) // the whole length of the page, which takes seconds
	}
	png, err := chromedp.Run(b.ctx, shoot)
	if err != nil {
		t.Fatal(err)
	}
	if len(png) < 5_000 {
		t.Errorf("%s: a screenshot of %d bytes shows nothing", name, len(png))
	}
	if dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func (b *browser) dark(t *testing.T, scheme string) {
	t.Helper()
	if _, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}); err != nil {
		t.Fatal(err)
	}
}

func TestPageInBrowser(t *testing.T) {
	b := openBrowser(t)
	w, list := small()
	page := b.open(t, w, list)

	if got := ask[string](t, b, `document.querySelector("#h-verdict").textContent`); got != "Finished with exceptions" {
		t.Errorf("verdict %q", got)
	}
	want := fmt.Sprintf("%s found = %s verified + 3 quarantined + 2 refused + 40 skipped", number(w.Totals.Found), number(w.Totals.Verified))
	if got := strings.Join(strings.Fields(ask[string](t, b, `document.querySelector(".equation").textContent`)), " "); got != want {
		t.Errorf("arithmetic %q, want %q", got, want)
	}
	count := func(selector string) int {
		t.Helper()
		return ask[int](t, b, `[...document.querySelectorAll(`+string(must(json.Marshal(selector)))+`)].filter(e => e.checkVisibility()).length`)
	}
	if n := count("#user-table tr.u"); n != 8 {
		t.Errorf("%d users shown, want 8", n)
	}
	if n := count("#user-table .folders"); n != 0 {
		t.Errorf("%d lists of folders are open before anybody asked", n)
	}
	b.run(t, chromedp.Click(chromedp.CSS("#user-table .open-row")), chromedp.WaitVisible(chromedp.CSS("#user-table .folders")))
	if got := ask[string](t, b, `document.querySelector("#user-table .folders tbody").textContent`); !strings.Contains(got, "Archive/2019") || !strings.Contains(got, "4,031") {
		t.Errorf("drill-down of the first user shows %q", got)
	}
	b.picture(t, "small")
	b.run(t, chromedp.Click(chromedp.CSS("#user-table .open-row")), chromedp.WaitNotVisible(chromedp.CSS("#user-table .folders")))

	b.run(t, chromedp.SendKeys(chromedp.CSS("#user-filter"), "groß"))
	if got := ask[string](t, b, `document.querySelector("#user-table tbody th").textContent`); !strings.Contains(got, "friedrich") || count("#user-table tr.u") != 1 {
		t.Errorf("filter by name shows %q", got)
	}
	ask[chromedp.Void](t, b, `{const f = document.querySelector("#user-filter"); f.value = ""; f.dispatchEvent(new Event("input"))}`)
	b.run(t, chromedp.Click(chromedp.CSS("#user-tools .chip.good input")))
	if n := count("#user-table tr.u"); n != 2 {
		t.Errorf("%d users without the complete ones, want 2", n)
	}
	b.run(t, chromedp.Click(chromedp.CSS("#user-tools .chip.good input")), chromedp.Click(chromedp.CSS(`th[data-sort="4"] button`)))
	if got := ask[string](t, b, `document.querySelector("#user-table tbody th").textContent`); !strings.Contains(got, "friedrich") {
		t.Errorf("largest mailbox by found is %q", got)
	}
	b.run(t, chromedp.Click(chromedp.CSS(`#rule-chips li:nth-child(2) button`)))
	if n := count("#exc-table tbody tr"); n != 2 {
		t.Errorf("%d exceptions of the second rule, want 2", n)
	}
	b.quiet(t, page)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestEveryKindOfPageInBrowser(t *testing.T) {
	b := openBrowser(t)
	for _, c := range []struct {
		name    string
		make    func() (*Waybill, []Message)
		verdict string
	}{
		{"whole", whole, "Complete"},
		{"broken", broken, "Not complete"},
		{"refusal", refusal, "Refused by preflight"},
		{"large", func() (*Waybill, []Message) { return large(2000) }, "Not complete"},
		{"unended", func() (*Waybill, []Message) {
			w, l := whole()
			w.Run.Ended = time.Time{}
			w.Runs[0] = w.Run
			return w, l
		}, "Complete"},
		{"hostile", hostile, "Finished with exceptions"},
	} {
		w, list := c.make()
		b.mu.Lock()
		b.requests = nil
		b.mu.Unlock()
		page := b.open(t, w, list)
		if got := ask[string](t, b, `document.querySelector("#h-verdict").textContent`); got != c.verdict {
			t.Errorf("%s: verdict %q, want %q", c.name, got, c.verdict)
		}
		b.picture(t, c.name)
		// A page that is wider than the window hides what is at its right.
		b.run(t, chromedp.EmulateViewport(390, 844))
		if over := ask[int](t, b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); over > 0 {
			t.Errorf("%s: %d pixels too wide for a telephone", c.name, over)
		}
		b.picture(t, c.name+"-narrow")
		b.dark(t, "dark")
		b.run(t, chromedp.EmulateViewport(1280, 900))
		b.picture(t, c.name+"-dark")
		b.dark(t, "light")
		b.quiet(t, page)
	}
}

// TestPageWithoutScripts opens the page in a browser that runs none.
func TestPageWithoutScripts(t *testing.T) {
	b := openBrowser(t)
	if _, err := chromedp.Call(b.ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}); err != nil {
		t.Fatal(err)
	}
	w, list := small()
	page := b.open(t, w, list)
	b.run(t, chromedp.Click(chromedp.CSS("#user-table summary")), chromedp.WaitVisible(chromedp.CSS("#user-table .folders")),
		chromedp.WaitNotVisible(chromedp.CSS("#user-tools")))
	text, err := chromedp.Run(b.ctx, chromedp.Text(chromedp.CSS("#user-table")))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"friedrich", "Archive/2019", "4,031", "root"} {
		if !strings.Contains(text, want) {
			t.Errorf("without scripts the table does not show %q", want)
		}
	}
	b.picture(t, "no-scripts")
	b.quiet(t, page)
	pdf, err := chromedp.Run(b.ctx, chromedp.PrintToPDF())
	if err != nil || len(pdf) < 10_000 {
		t.Errorf("printing gives %d bytes, error %v", len(pdf), err)
	}
	if dir := os.Getenv("WAYBILL_SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "print.pdf"), pdf, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
