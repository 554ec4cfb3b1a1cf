//go:build linux || darwin

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/report/number"
)

// withReports is a study of three people, of whom one is connected no more, that writes
// a page about each run.
func withReports(t *testing.T) (b *bench, dir string) {
	t.Helper()
	b = newBench(t, dexsim.Config{Seed: 6, Participants: 3, Days: 8})
	dir = filepath.Join(filepath.Dir(b.dir), "pages")
	b.env["DEXETL_REPORT_DIR"] = dir
	b.now = b.now.Add(24 * time.Hour) // everything has been uploaded
	return b, dir
}

// A run that brought something has a page of its own, a quiet one only that of the last
// run.
func TestRunsHavePages(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b, dir := withReports(t)
	b.must("backfill")
	first := "run-" + b.runIDs()[0] + ".html"
	if got := names(t, dir); !slices.Equal(got, []string{first, lastRunPage}) {
		t.Fatalf("after a backfill there are %q, want %q and %q", got, first, lastRunPage)
	}
	b.must("sync")
	b.now = b.now.Add(time.Hour)
	b.must("sync")
	if got := names(t, dir); !slices.Equal(got, []string{first, lastRunPage}) {
		t.Errorf("after a quiet sync there are %q", got)
	}
	quiet := pageAt(t, filepath.Join(dir, lastRunPage))
	if !strings.Contains(quiet, b.runIDs()[0]) || strings.Contains(quiet, "<code>backfill</code>") {
		t.Error("the page about the last run is about another one")
	}
	b.api.Revoke("P002")
	if code, _, stderr := b.run("sync", "--trailing", "3d"); code == exitDone {
		t.Fatalf("a sync of somebody who revoked the consent: exit 0\n%s", stderr)
	}
	if got := names(t, dir); len(got) != 3 {
		t.Errorf("after a run that failed there are %q, want a page about it", got)
	}
}

// The page says what the lake does.
func TestRunPageCounts(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b, dir := withReports(t)
	b.must("backfill")
	html := pageAt(t, filepath.Join(dir, lastRunPage))
	of := "from requests where run_id = '" + b.runIDs()[0] + "'"
	for _, column := range []string{"resource", "participant_id"} {
		for _, row := range b.query("select " + column + `, count(*), sum(records), sum("new"), sum(changed), sum(vanished), sum(rejected), 0 ` + of + " group by 1") {
			if cells := cellsOf(html, row[0]); !slices.Equal(cells, row[1:]) {
				t.Errorf("the page says of %s %q, and the lake %q", row[0], cells, row[1:])
			}
		}
	}
	records, err := strconv.ParseInt(b.query("select sum(records) " + of)[0][0], 10, 64)
	if said := number.Count(records); err != nil || !strings.Contains(html, "<dt>Records</dt><dd>"+said+"</dd>") {
		t.Errorf("the page does not say that %s records came: %v", said, err)
	}
}

// An erasure takes the pages that name somebody, and whoever looks for them finds one
// that came back.
func TestErasureTakesRunPages(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b, dir := withReports(t)
	b.must("backfill")
	named := filepath.Join(dir, "run-"+b.runIDs()[0]+".html")
	html := pageAt(t, named)
	if !strings.Contains(html, "P002") {
		t.Fatal("the page about the backfill does not name P002")
	}
	b.must("withdraw", "P002", "--erase", "--reason", "test", "--yes")
	if left := names(t, dir); len(left) > 0 {
		t.Errorf("after the erasure there are %q, which named P002", left)
	}
	b.must("verify", "--absent", "P002")
	if err := os.WriteFile(named, []byte(html), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr := b.run("verify", "--absent", "P002")
	if code != exitDamage || !strings.Contains(stderr, filepath.Base(named)) {
		t.Errorf("verify --absent with a page of before: exit %d, want %d and the name of the page\n%s", code, exitDamage, stderr)
	}
}

// runIDs are the ids of the runs that fetched, the newest first.
func (b *bench) runIDs() (ids []string) {
	b.t.Helper()
	for _, line := range strings.Split(strings.TrimSpace(b.must("runs", "--wide")), "\n")[1:] {
		if fields := strings.Fields(line); !slices.Contains(fields, "connect") {
			ids = append(ids, fields[len(fields)-1])
		}
	}
	return ids
}

// names are the files in a folder, in their order.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		all = append(all, entry.Name())
	}
	return all
}

// cellsOf are the cells of the row of a table that begins with a text, without commas
// between thousands.
func cellsOf(html, first string) (cells []string) {
	_, rest, found := strings.Cut(html, `<th scope="row">`+first+"</th>")
	if !found {
		return nil
	}
	row, _, _ := strings.Cut(rest, "</tr>")
	for _, cell := range regexp.MustCompile(`<td[^>]*>([^<]*)</td>`).FindAllStringSubmatch(row, -1) {
		cells = append(cells, strings.ReplaceAll(cell[1], ",", ""))
	}
	return cells
}

func pageAt(t *testing.T, path string) string {
	t.Helper()
	html, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(html)
}
