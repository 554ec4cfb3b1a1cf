//go:build linux || darwin

package report

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/durable"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
)

// What dexetl and desktops leave in the folder of a report is not in the way of the next
// one, and all else is named.
func TestReportIsReplaced(t *testing.T) {
	o := reportOf(t, glucoseStudy(t, lackingStudy()), views.Selection{Preset: views.Dexetl1, Sentinels: views.AsSent})
	put := func(name string) {
		t.Helper()
		at := filepath.Join(o.Path, name)
		must(t, os.MkdirAll(filepath.Dir(at), 0o700))
		must(t, os.WriteFile(at, []byte(name), 0o600))
	}
	put("run-01ARZ3NDEKTSV4RRFFQ69G5FAV.html") // of report --run, before there is a report
	for range 2 {
		put(".DS_Store")
		put("participants/Thumbs.db")
		if _, err := os.Stat(filepath.Join(o.Path, markName)); err != nil {
			must(t, os.RemoveAll(filepath.Join(o.Path, "participants"))) // a folder of somebody's
		}
		_, err := o.Run(t.Context())
		must(t, err)
		if content, err := os.ReadFile(filepath.Join(o.Path, "run-01ARZ3NDEKTSV4RRFFQ69G5FAV.html")); err != nil || string(content) != "run-01ARZ3NDEKTSV4RRFFQ69G5FAV.html" {
			t.Errorf("the page about a run is not kept: %v", err)
		}
		if _, err := os.Stat(filepath.Join(o.Path, ".DS_Store")); err == nil {
			t.Error("what the desktop left is kept")
		}
	}
	o.Blinded = true
	if _, err := o.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "is a page about a run, and not blinded") {
		t.Errorf("a blinded report beside a page that is not: %v", err)
	}
	o.Blinded = false
	put("participants/notes.doc")
	_, err := o.Run(t.Context())
	if exists, ok := errors.AsType[*durable.ExistsError](err); !ok || exists.File != "participants/notes.doc" {
		t.Errorf("with a file of somebody in it: %v", err)
	}
	_, err = os.Stat(filepath.Join(o.Path, Index))
	must(t, err)
}

// Nothing is written among what the study keeps.
func TestReportLiesOutside(t *testing.T) {
	o := reportOf(t, glucoseStudy(t, lackingStudy()), views.Selection{Preset: views.Dexetl1, Sentinels: views.AsSent})
	for _, tree := range []string{o.Study.LakePath(), o.Study.StatePath()} {
		o.Path = filepath.Join(tree, "report")
		_, err := o.Run(t.Context())
		if inside, ok := errors.AsType[*study.InsideError](err); !ok || inside.Tree != tree {
			t.Errorf("a report in %s: %v", tree, err)
		}
	}
}
