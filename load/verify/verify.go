package verify

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/load/lake"
)

// A Check is what is held against what.
type Check struct {
	Lake *lake.Lake

	// Rows says that all columns of the newest snapshot are read and added up, too.
	Rows bool

	// Read, if set, is told of bytes that were hashed, of how many. It is called by one
	// goroutine at a time.
	Read func(done, all int64)
}

// A Report is what was found.
type Report struct {
	Newest    lake.Manifest // zero: there is none, or it cannot be read
	Manifests int           // that can be read
	Files     int           // data files of all of them
	Bytes     int64         // that these have
	Rows      int64         // of the newest snapshot
	Findings  []Finding     // manifests first; by path
}

// A Finding is a file that is not as it was written, or rows that do not lie as they must.
type Finding struct {
	*lake.DamageError
	File        lake.File // a data file; zero: a manifest, or a tag
	First, Last int64     // snapshots that have it
	Rule        bool      // the file is whole, but its rows break a rule
}

// Run makes all checks. Its error is that they cannot be made.
func (c *Check) Run(ctx context.Context) (Report, error) {
	r := run{Check: c, files: make(map[string]*known)}
	for _, step := range []func(context.Context) error{r.readManifests, r.readTags, r.hashFiles, r.readTables, r.lookAgain} {
		if err := step(ctx); err != nil {
			return Report{}, err
		}
	}
	slices.SortStableFunc(r.report.Findings, byPath)
	return r.report, nil
}

// A run is a check under way.
type run struct {
	*Check
	files  map[string]*known // by path, of all manifests
	report Report

	mu   sync.Mutex // below, and the findings
	read int64
}

// known is a data file that manifests name.
type known struct {
	lake.File
	first, last int64 // manifests that do
	harmed      bool
}

// found notes what is wrong with a data file.
func (r *run) found(k *known, err error, rule bool) error {
	harm, ok := errors.AsType[*lake.DamageError](err)
	if !ok {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	k.harmed = true
	r.report.Findings = append(r.report.Findings, Finding{harm, k.File, k.first, k.last, rule})
	return nil
}

// hashFiles reads every file once, those of the newest snapshot first.
func (r *run) hashFiles(ctx context.Context) error {
	all := r.inOrder()
	for _, k := range all {
		r.report.Bytes += k.Bytes
	}
	r.report.Files = len(all)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, k := range all {
		g.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := r.Lake.Check(k.File); err != nil {
				return r.found(k, err, false)
			}
			r.hashed(k.Bytes)
			return nil
		})
	}
	return g.Wait()
}

func (r *run) inOrder() []*known {
	var all []*known
	for _, k := range r.files {
		all = append(all, k)
	}
	slices.SortFunc(all, func(a, b *known) int {
		if a.last != b.last {
			return int(b.last - a.last)
		}
		return compareText(a.Path, b.Path)
	})
	return all
}

func (r *run) hashed(n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read += n
	if r.Read != nil {
		r.Read(r.read, r.report.Bytes)
	}
}

// lookAgain drops what is missing because it was removed meanwhile: no manifest that is
// still there has it.
func (r *run) lookAgain(context.Context) error {
	all, err := r.Lake.IDs()
	if _, damaged := errors.AsType[*lake.DamageError](err); damaged {
		return nil // found already
	}
	if err != nil {
		return err
	}
	r.report.Findings = slices.DeleteFunc(r.report.Findings, func(f Finding) bool {
		return f.First > 0 && !slices.ContainsFunc(all, func(id lake.ID) bool { return f.First <= id.Number && id.Number <= f.Last })
	})
	return nil
}

func byPath(a, b Finding) int {
	if am, bm := a.File.Path == "", b.File.Path == ""; am != bm {
		if am {
			return -1
		}
		return 1
	}
	return compareText(a.Path, b.Path)
}
