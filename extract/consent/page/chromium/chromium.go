// Package chromium is a browser in a test's hands: headless Chromium with one tab, and
// somebody at its keyboard. It is for tests alone.
package chromium

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/emulation"
	browserlog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A Browser is headless Chromium. Its methods end the test on an error.
type Browser struct {
	Shots string // folder for screenshots; empty: none are made

	t   *testing.T
	ctx context.Context

	mu       sync.Mutex
	problems []string // what the pages wrote to the console
}

// New starts Chromium, or skips the test where there is none.
func New(t *testing.T) *Browser {
	t.Helper()
	names := []string{"chromium", "chromium-browser", "google-chrome"}
	at := slices.IndexFunc(names, func(name string) bool { _, err := exec.LookPath(name); return err == nil })
	if at < 0 {
		t.Skipf("none of %s is installed (Debian: apt install chromium)", strings.Join(names, ", "))
	}
	deadline, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(names[at]), chromedp.UserDataDir(t.TempDir()),
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true))
	allocator, cancel := chromedp.NewExecAllocator(deadline, options...)
	t.Cleanup(cancel)
	tab, cancel := chromedp.NewContext(allocator)
	t.Cleanup(cancel)
	b := &Browser{t: t, ctx: tab}
	if err := chromedp.Listen(tab, b.hear); err != nil {
		t.Fatalf("chromium: %v", err)
	}
	t.Cleanup(func() { chromedp.Cancel(tab) }) // or its folder cannot be removed
	return b
}

// hear notes what a page complains of. That a page is an error page is no complaint.
func (b *Browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.problems = append(b.problems, fmt.Sprint(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		b.problems = append(b.problems, string(e.Type))
	case *browserlog.EventEntryAdded:
		if status := strings.Contains(e.Entry.Text, "the server responded with a status"); !status {
			b.problems = append(b.problems, string(e.Entry.Source)+": "+e.Entry.Text)
		}
	}
}

// Problems are what the pages wrote to the console since somebody asked last.
func (b *Browser) Problems() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.problems
	b.problems = nil
	return all
}

// Quiet expects that no page complained so far.
func (b *Browser) Quiet() {
	b.t.Helper()
	if problems := b.Problems(); len(problems) > 0 {
		b.t.Errorf("the console says: %s", strings.Join(problems, "\n"))
	}
}

// Do carries out steps.
func (b *Browser) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
}

// Open goes to an address and returns the status of the answer.
func (b *Browser) Open(address string) int64 {
	b.t.Helper()
	response, err := chromedp.Run(b.ctx, chromedp.NavigateResponse(address))
	if err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
	return response.Status
}

// Press presses Enter and waits for the page to which it leads.
func (b *Browser) Press() *network.Response {
	b.t.Helper()
	response, err := chromedp.RunResponse(b.ctx, chromedp.KeyEvent(kb.Enter))
	if err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
	return response
}

// TabTo presses Tab until the element with that text has the focus.
func (b *Browser) TabTo(text string) {
	b.t.Helper()
	for range 8 {
		b.Do(chromedp.KeyEvent(kb.Tab))
		if Ask[string](b, "document.activeElement.innerText.trim()") == text {
			return
		}
	}
	b.t.Fatalf("Tab never reaches %q", text)
}

// Ask evaluates an expression in the page, and waits for what it promises.
func Ask[T any](b *Browser, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("chromium: %s: %v", expression, err)
	}
	return v
}

// Title is the heading of the page.
func (b *Browser) Title() string { return Ask[string](b, "document.querySelector('h1').innerText") }

// Tree is what a screen reader makes of the page: roles and names, in order.
func (b *Browser) Tree() (lines []string) {
	b.t.Helper()
	result, err := chromedp.Call(b.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	if err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
	byID := map[accessibility.NodeID]*accessibility.Node{}
	for _, n := range result.Nodes {
		byID[n.NodeID] = n
	}
	var walk func(n *accessibility.Node)
	walk = func(n *accessibility.Node) {
		if n == nil {
			return
		}
		if !n.Ignored {
			lines = append(lines, strings.TrimSpace(text(n.Role)+" "+text(n.Name)+level(n)))
		}
		for _, id := range n.ChildIDs {
			walk(byID[id])
		}
	}
	walk(result.Nodes[0])
	return lines
}

func text(v *accessibility.Value) string {
	var s string
	if v != nil {
		_ = json.Unmarshal(v.Value, &s) // not text: nothing to show
	}
	return s
}

// level is the level of a heading.
func level(n *accessibility.Node) string {
	for _, p := range n.Properties {
		if p.Name == "level" && text(n.Role) == "heading" {
			return fmt.Sprintf(" (%s)", p.Value.Value)
		}
	}
	return ""
}

// Size makes the window so large; dark is the system's colour scheme.
func (b *Browser) Size(width, height int64, dark bool) {
	b.t.Helper()
	b.Do(chromedp.EmulateViewport(width, height))
	scheme := map[bool]string{false: "light", true: "dark"}[dark]
	_, err := chromedp.Call(b.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
	if err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
}

// tallest is how high a page may be of which Chromium makes one picture, px.
const tallest = 12000

// Shoot writes a screenshot of the whole page, for human eyes; of one that is very long,
// of what the window shows.
func (b *Browser) Shoot(name string) {
	b.t.Helper()
	if b.Shots == "" {
		return
	}
	shot := chromedp.FullScreenshot(100)
	if Ask[int](b, "document.documentElement.scrollHeight") > tallest {
		shot = chromedp.CaptureScreenshot()
	}
	picture, err := chromedp.Run(b.ctx, shot)
	if err == nil {
		err = os.WriteFile(filepath.Join(b.Shots, name+".png"), picture, 0o600)
	}
	if err != nil {
		b.t.Fatalf("screenshot %s: %v", name, err)
	}
}

// legibility measures a page: the smallest text in px, the least contrast of
// text against what is behind it (WCAG 2.2), and how wide the content is.
const legibility = `(() => {
	const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
	const rgba = s => s.match(/[\d.]+/g).map(Number);
	const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
	const behind = e => {
		for (; e; e = e.parentElement) {
			const c = rgba(getComputedStyle(e).backgroundColor);
			if (c[3] !== 0) return c;
		}
		return [255, 255, 255];
	};
	let contrast = 21, size = 1000;
	const all = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (all.nextNode()) {
		if (!all.currentNode.data.trim()) continue;
		const e = all.currentNode.parentElement, style = getComputedStyle(e);
		const [a, b] = [luminance(rgba(style.color)), luminance(behind(e))].sort((x, y) => y - x);
		contrast = Math.min(contrast, (a + 0.05) / (b + 0.05));
		size = Math.min(size, parseFloat(style.fontSize));
	}
	const buttons = [...document.querySelectorAll('button')].map(b => b.getBoundingClientRect().height);
	return {contrast, size, width: document.documentElement.scrollWidth, button: Math.min(48, ...buttons)};
})()`

// A Legible is how well a page can be read.
type Legible struct {
	Contrast float64 `json:"contrast"` // the least of a text (WCAG 2.2)
	Size     float64 `json:"size"`     // of the smallest text, px
	Width    int64   `json:"width"`    // of the content, px
	Button   float64 `json:"button"`   // height of the lowest, 48 at most
}

// Legible measures the page.
func (b *Browser) Legible() Legible { return Ask[Legible](b, legibility) }
