package load

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/dexetl/dexetl/load/lake"
)

// A step is one commit in the making.
type step struct {
	loader  *Loader
	parent  lake.Manifest
	lost    lost // files of parent
	commit  *lake.Commit
	study   *studyChange
	answers []*answer
	border  time.Time // of the tables that have hot days; zero: no server date seen yet

	changes  []changeRow
	pending  map[pendingKey]time.Time
	accounts map[connectionKey]account // that connections lead to
	shown    map[shownKey]shown        // by dataRange
	coverage map[coverKey]*cover

	mu        sync.Mutex                     // below: written by several participants or partitions at once
	edits     map[string]map[string][]change // table, partition
	days      map[monthKey]counted           // of the months that change
	counts    map[string]Counts
	conflicts int
}

func newStep(l *Loader, parent lake.Manifest, study *studyChange, answers []*answer) *step {
	s := &step{
		loader: l, parent: parent, lost: lostIn(parent), commit: l.Lake.Begin(parent), study: study, answers: answers,
		edits: make(map[string]map[string][]change), counts: make(map[string]Counts),
		days:   make(map[monthKey]counted),
		border: parent.Borders["egvs"],
	}
	for _, a := range answers {
		border := a.ServerDate.UTC().Truncate(24*time.Hour).AddDate(0, 0, -l.layout.hotDays)
		if !a.ServerDate.IsZero() && border.After(s.border) {
			s.border = border
		}
	}
	return s
}

// fold decides what the answers change, table by table, and what that changes in
// glucose, glucose_days and coverage_days; then it rewrites the files concerned.
func (s *step) fold(ctx context.Context) error {
	if err := s.sumHeld(ctx); err != nil {
		return fmt.Errorf("table %s: %w", glucoseDaysTable, err)
	}
	s.holdWaiting()
	if err := s.loadSmall(ctx); err != nil {
		return err
	}
	if err := s.foldAnew(ctx); err != nil {
		return err
	}
	s.judge()
	for _, k := range keyedTables() {
		if err := s.foldKeyed(ctx, &k); err != nil {
			return fmt.Errorf("table %s: %w", k.Name, err)
		}
	}
	if err := s.foldDevices(ctx); err != nil {
		return fmt.Errorf("table devices: %w", err)
	}
	if err := s.foldRejects(ctx); err != nil {
		return fmt.Errorf("table rejects: %w", err)
	}
	s.addChanges()
	s.coverRanges()
	if err := s.deriveMoved(ctx); err != nil {
		return fmt.Errorf("table glucose: %w", err)
	}
	if err := s.foldDays(ctx); err != nil {
		return fmt.Errorf("table %s: %w", daysTable, err)
	}
	if err := s.rewriteAll(ctx); err != nil {
		return err
	}
	if err := s.writeRequests(ctx); err != nil {
		return fmt.Errorf("table requests: %w", err)
	}
	return s.writeSmall(ctx)
}

// whole reports whether it is all of the log that is folded: the rest is made of it.
func (s *step) whole() bool { return s.loader.part.participants == nil }

// foldKeyed applies the answers of one resource, one participant after the other.
func (s *step) foldKeyed(ctx context.Context, k *keyed) error {
	answers := s.answersOf(k.Resource)
	of := make(map[string]*records, len(answers))
	for p := range answers {
		of[p] = newRecords(s, k, p, answers[p])
	}
	participants := slices.Sorted(maps.Keys(answers))
	far := s.farRows(k, participants)
	defer far.close()
	glucose := s.derivation(s.held())
	defer glucose.close()
	near := func(p string, f lake.File) bool { return of[p].holds(f) }
	return s.heldRows(k.Name).each(ctx, participants, near, func(p string, held []piece) error {
		r := of[p]
		delete(of, p)
		defer r.release()
		r.hold(held)
		err := far.join(ctx, r, answers[p])
		var changed []monthNo
		if err == nil {
			changed, err = s.foldRecords(ctx, r, answers[p])
		}
		if err == nil && k.Name == "egvs" && s.whole() {
			err = glucose.participant(ctx, r, changed)
		}
		for _, a := range answers[p] {
			if k.Name != "events" { // event_notes, which come after, look at them
				a.done(k.Name, k.Resource)
			}
		}
		return err
	})
}

// foldRecords applies the answers of one resource to what is held of one participant,
// and returns the months in which that changes rows.
func (s *step) foldRecords(ctx context.Context, r *records, answers []*answer) (changed []monthNo, err error) {
	k := r.keyed
	for _, a := range answers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.apply(a)
	}
	if k.Name == k.Resource {
		s.coverWindows(r.participant, k.Resource, answers, r)
	}
	for m, c := range r.finish() {
		s.edit(k.Name, m.String(), c)
		changed = append(changed, m)
		if k.Name == k.Resource {
			s.countDays(r, m)
		}
	}
	return changed, nil
}

// held is the snapshot that the step is made on top of.
func (s *step) held() Side { return Side{s.loader.Lake, s.parent} }

// answersOf returns the answers of a resource that can be applied, by
// participant, in log order.
func (s *step) answersOf(resource string) map[string][]*answer {
	answers := make(map[string][]*answer)
	for _, a := range s.answers {
		if a.Resource == resource && a.held == nil {
			answers[a.ParticipantID] = append(answers[a.ParticipantID], a)
		}
	}
	return answers
}

// within returns the map at key, made if there is none.
func within[K, L comparable, V any](of map[K]map[L]V, key K) map[L]V {
	if of[key] == nil {
		of[key] = make(map[L]V)
	}
	return of[key]
}

// edit takes over a change of a partition, if it is one.
func (s *step) edit(table, partition string, c change) {
	if c.adds == nil && c.drops == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	within(s.edits, table)[partition] = append(s.edits[table][partition], c)
}

// rewriteAll rewrites every partition that has edits, and those whose days the
// border has passed.
func (s *step) rewriteAll(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, t := range shapes() {
		for _, partition := range s.partitions(t.Name, slices.Collect(maps.Keys(s.edits[t.Name]))) {
			g.Go(func() error {
				changes := s.edits[t.Name][partition]
				defer releaseChanges(changes)
				return s.rewrite(ctx, t, partition, changes)
			})
		}
	}
	return g.Wait()
}

// partitions returns the partitions of a table that have to be rewritten: the
// edited ones and those with hot files behind the border.
func (s *step) partitions(table string, edited []string) []string {
	for _, f := range s.parent.TableFiles(table) {
		if f.Day != "" && f.Day < lake.Day(s.border) && f.Damaged == "" {
			edited = append(edited, f.Partition)
		}
	}
	slices.Sort(edited)
	return slices.Compact(edited)
}

func (s *step) rewrite(ctx context.Context, t shape, partition string, changes []change) error {
	slices.SortFunc(changes, func(a, b change) int { return cmp.Compare(a.participant, b.participant) })
	r := &rewrite{step: s, table: t, part: partition, changes: changes}
	if t.HotDays {
		r.border = s.border
	}
	if err := r.run(ctx); err != nil {
		return fmt.Errorf("table %s %s: %w", t.Name, partition, err)
	}
	return nil
}

// manifest is what the commit says beside its files.
func (s *step) manifest(runID string) lake.Manifest {
	m := lake.Manifest{
		CreatedAt: s.loader.Now().UTC(), Run: runID, Program: s.loader.Program,
		LogPosition: s.parent.LogPosition, Tables: s.parent.VersionsOnTop(), Held: slices.Clone(s.parent.Held),
	}
	if !s.border.IsZero() {
		m.Borders = map[string]time.Time{"egvs": s.border, "glucose": s.border, glucoseDaysTable: s.border}
	}
	for _, a := range s.answers {
		m.LogPosition = a.Next
		if a.held != nil && !a.waits() && !a.Erased {
			m.Held = append(m.Held, lake.HeldAnswer{RequestID: a.RequestID, Position: a.Position, Reason: a.held.Error()})
		}
	}
	return m
}

func (s *step) counted(table string, c Counts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	addCounts(s.counts, table, c)
}

// release frees the rows that the step holds.
func (s *step) release() {
	for _, partitions := range s.edits {
		for _, changes := range partitions {
			releaseChanges(changes)
		}
	}
}
