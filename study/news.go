package study

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
)

// A Commit is a snapshot, as far as those need to know it who tell others of it.
type Commit struct {
	Snapshot  int64
	CreatedAt time.Time
	Run       string

	// HasNews reports whether what it brought is new in the world, and not in the lake
	// alone: a replay, a repair, a withdrawal or a changed roster only tells it anew. But
	// who makes a commit anew of which nobody was told brings its news.
	HasNews bool

	// Replay reports whether a replay or a repair made it. Any row may be another one, and
	// there may be answers in it that were not in the lake.
	Replay bool

	// GoesOn reports whether a replay or repair makes anew what nobody was told of, and
	// has not come to its last commit: that one has all of it.
	GoesOn bool
}

// NewestCommit is the newest snapshot's number; 0 for a lake without any.
func (s *Study) NewestCommit() (int64, error) {
	l, m, err := s.Newest()
	if is[*EmptyLakeError](err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return m.Snapshot, l.Close()
}

// HasCommit reports whether there was a snapshot of a number, without reading it: the
// manifest may have been set aside, because it is damaged, or removed, because of an
// erasure.
func (s *Study) HasCommit(snapshot int64) bool {
	l, err := lake.OpenToRead(s.LakePath())
	if err != nil {
		return false
	}
	defer l.Close()
	if l.HasManifest(snapshot) || l.IsAside(snapshot) {
		return true
	}
	return removed(l, snapshot)
}

// WasRemoved reports whether a snapshot's manifest was removed: what it brought, nobody is to
// be told any more.
func (s *Study) WasRemoved(snapshot int64) bool {
	l, err := lake.OpenToRead(s.LakePath())
	if err != nil {
		return false
	}
	defer l.Close()
	return removed(l, snapshot)
}

func removed(l *lake.Lake, snapshot int64) bool {
	gone, err := l.Gone()
	_, was := gone.Of(snapshot)
	return was && err == nil
}

// News is what a commit brought. It is to be closed.
type News struct {
	Commit
	study      *Study
	lake       *lake.Lake
	before, is lake.Manifest
	owed       bool // nobody was told of snapshots between them
}

// OpenNews opens a commit. Everything up to the snapshot told is told already. If there are
// others between them, nobody can read those: what they brought is news of this one.
func (s *Study) OpenNews(ctx context.Context, told, snapshot int64) (*News, error) {
	l, err := lake.OpenToRead(s.LakePath())
	if err != nil {
		return nil, err
	}
	n := &News{study: s, lake: l, owed: told+1 < snapshot}
	if err := n.open(ctx, told, snapshot); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return n, nil
}

func (n *News) open(ctx context.Context, told, snapshot int64) (err error) {
	if n.is, err = n.lake.Manifest(snapshot); err != nil {
		return err
	}
	n.Commit = Commit{Snapshot: snapshot, CreatedAt: n.is.CreatedAt, Run: n.is.Run}
	before := n.is.Parent
	if n.owed {
		before = told
	}
	if before > 0 {
		n.before, err = n.lake.Manifest(before)
	}
	if is[*lake.DamageError](err) {
		n.study.Logger.Warn("the snapshot before is gone, so nobody can tell what is new", "snapshot", snapshot, "error", err)
		err = n.weigh(ctx)
		n.HasNews = false
		return err
	}
	if err != nil {
		return err
	}
	return n.weigh(ctx)
}

// weigh finds out whether there is news in what is new. What bears the name of a replay and
// folded nothing is a commit of something else that came after it.
func (n *News) weigh(ctx context.Context) error {
	run, err := n.study.runNamed(ctx, n.is.Run)
	if err != nil {
		return err
	}
	folded := n.is.LogPosition != n.before.LogPosition
	n.Replay = slices.Contains([]string{"replay", "repair"}, run.Command) && (folded || n.is.Run != n.before.Run)
	n.HasNews = folded && (n.owed || !n.Replay)
	if n.owed && n.Replay {
		n.GoesOn, err = n.goesOn(run)
	}
	return err
}

// goesOn reports whether a run made the next commit, too, or may make it still.
func (n *News) goesOn(run state.Run) (bool, error) {
	next, err := n.lake.Manifest(n.Snapshot + 1)
	if is[*lake.DamageError](err) {
		return n.study.Store.Alive(run)
	}
	return next.Run == run.ID, err
}

// Close closes what OpenNews opened.
func (n *News) Close() error { return n.lake.Close() }

// Each tells what is new; see load.News for do. Where there is no news it tells nothing.
func (n *News) Each(ctx context.Context, do func(participant string, changes []load.Change) error) error {
	if !n.HasNews {
		return nil
	}
	left, err := load.News(ctx, load.Side{Lake: n.lake, Manifest: n.before}, load.Side{Lake: n.lake, Manifest: n.is}, do)
	for _, one := range left {
		n.study.Logger.Warn("a damaged file hides what is new", "snapshot", one.Snapshot, "table", one.Table, "partition", one.Partition, "error", one.Err)
	}
	return err
}

// runNamed is a run, the zero one if nobody knows it.
func (s *Study) runNamed(ctx context.Context, id string) (state.Run, error) {
	runs, err := s.Store.Runs(ctx)
	if i := slices.IndexFunc(runs, func(r state.Run) bool { return r.ID == id }); i >= 0 {
		return runs[i], err
	}
	return state.Run{}, err
}

// A History is what the lake has of a participant and resource, once all that was there
// to fetch is fetched.
type History struct {
	Participant string
	Resource    string // egvs or events
	From, To    time.Time
}

// Histories are those that are complete: everything of the study up to now was asked
// for, or there is nothing. Nobody's is while a damaged data file hides what the lake has.
func (s *Study) Histories(ctx context.Context) ([]History, error) {
	everybody, err := s.Cohort.Participants(ctx)
	if err != nil {
		return nil, err
	}
	people, harm := s.People(ctx, everybody)
	if err := UnlessData(harm); err != nil {
		return nil, err
	}
	var complete []History
	for _, p := range people {
		if p.Withdrawal.ParticipantID != "" || len(p.Connections) == 0 || p.LakeUnread {
			continue
		}
		more, err := s.historiesOf(p)
		if err != nil {
			return nil, err
		}
		complete = append(complete, more...)
	}
	return complete, nil
}

func (s *Study) historiesOf(p Person) (complete []History, err error) {
	resources, err := s.Resources(p)
	if err != nil {
		return nil, err
	}
	windows, err := s.expected(p)
	if err != nil {
		return nil, err
	}
	from, to := p.now, p.now
	if n := len(windows); n > 0 {
		from = windows[0].Start
		if end := windows[n-1].End; end.Before(to) {
			to = later(from, end)
		}
	}
	for _, r := range resources {
		if r.Name != "egvs" && r.Name != "events" || !r.complete() {
			continue
		}
		complete = append(complete, History{Participant: p.Who.ID, Resource: r.Name, From: from, To: to})
	}
	return complete, nil
}

// complete reports whether no window is left that was never asked for. What came since
// the newest answer is for the next one.
func (r Resource) complete() bool {
	return r.Open == 0 && slices.Contains([]string{"current", "ended", "no_data", "not_started"}, r.Held.State)
}
