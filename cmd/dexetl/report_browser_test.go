//go:build linux || darwin

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/consent/page/chromium"
	"github.com/dexetl/dexetl/extract/dexsim"
)

var (
	axe         = flag.String("axe", "", "`FILE` axe.min.js of axe-core, to look for what keeps people from using a page")
	reportShots = flag.String("report.shots", "", "write screenshots of a report's pages to this `DIR`")
)

// Every page of a report reads well in a browser, wide and narrow, and asks nobody for
// anything; so do those in other colours and units, and those of a blinded study.
func TestReportInChromium(t *testing.T) {
	oneAfterTheOther(t)
	browser := chromium.New(t)
	browser.Shots = *reportShots
	b := newBench(t, dexsim.Config{Seed: 11, Participants: 7, Days: 30})
	b.must("windows", "import", b.file("windows.csv", "participant_id,window,start_day,end_day\n*,baseline,1,14\n*,follow-up,17,30\n"))
	b.must("backfill")
	b.now = b.now.Add(time.Hour)
	b.must("participants", "pause", "P006", "--reason", "test")
	b.must("withdraw", "P007", "--stop", "--reason", "test", "--yes")
	b.must("sync")
	for name, flags := range map[string][]string{
		"usual":    nil,
		"other":    {"--palette", "accessible", "--unit", "mmol/L", "--unblinded", "--from", "2026-04-01"},
		"blinded":  {"--blinded"},
		"one":      {"P002", "--select", "last7"},
		"snapshot": {"--snapshot", "1"},
	} {
		to := filepath.Join(t.TempDir(), name)
		b.must(append([]string{"report", "-o", to}, flags...)...)
		for _, path := range pagesIn(t, to) {
			if path == "dictionary.html" && name != "usual" {
				continue // the same in each, and long
			}
			t.Run(name+"/"+path, func(t *testing.T) {
				checkPage(t, browser, filepath.Join(to, path), name+"-"+strings.ReplaceAll(strings.TrimSuffix(path, ".html"), "/", "-"))
			})
		}
	}
	if *axe == "" {
		t.Log("axe-core was not asked (-axe): testdata/pages/run.sh does")
	}
}

// pagesIn are the pages of a report.
func pagesIn(t *testing.T, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".html" {
			path, err = filepath.Rel(dir, path)
			paths = append(paths, path)
		}
		return err
	})
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d pages in %s: %v", len(paths), dir, err)
	}
	return paths
}

// checkPage opens a page wide and narrow.
func checkPage(t *testing.T, b *chromium.Browser, path, name string) {
	address := "file://" + path
	for _, width := range []int64{1280, 390} {
		b.Size(width, 900, false)
		b.Open(address)
		b.Shoot(fmt.Sprintf("%s-%d", name, width))
		if got := b.Legible(); got.Width > width || got.Contrast < 4.5 || got.Size < 9 {
			t.Errorf("at %d px: %d px wide, least contrast %.2f, smallest text %.1f px", width, got.Width, got.Contrast, got.Size)
		}
	}
	checkAxe(t, b)
	if asked := chromium.Ask[[]string](b, "performance.getEntriesByType('resource').map(e => e.name)"); len(asked) > 0 {
		t.Errorf("the page asks for %v", asked)
	}
	if problems := b.Problems(); len(problems) > 0 {
		t.Errorf("the console says: %s", strings.Join(problems, "\n"))
	}
	checkLinks(t, b, path)
}

// checkLinks follows every relative link of a page to a file.
func checkLinks(t *testing.T, b *chromium.Browser, path string) {
	for _, link := range chromium.Ask[[]string](b, "[...document.links].map(a => a.href).filter(h => h.startsWith('file:'))") {
		at, _, _ := strings.Cut(strings.TrimPrefix(link, "file://"), "#")
		if _, err := os.Stat(at); err != nil {
			t.Errorf("a link leads nowhere: %v", err)
		}
	}
}

// checkAxe fails for what is serious or worse by axe-core.
func checkAxe(t *testing.T, b *chromium.Browser) {
	if *axe == "" {
		return
	}
	source, err := os.ReadFile(*axe)
	if err != nil {
		t.Fatal(err)
	}
	chromium.Ask[string](b, string(source)+"; 'ready'")
	found := chromium.Ask[json.RawMessage](b, `axe.run(document, {resultTypes: ['violations']}).then(r => r.violations
	.filter(v => v.impact === 'serious' || v.impact === 'critical')
	.map(v => v.id + ': ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' | ')))`)
	var violations []string
	if err := json.Unmarshal(found, &violations); err != nil {
		t.Fatal(err)
	}
	if len(violations) > 0 {
		t.Errorf("axe-core: %s", strings.Join(violations, "\n"))
	}
}
