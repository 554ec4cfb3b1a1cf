package study

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"

	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
)

// A Commit is a snapshot, as far as those need to know it who tell others of it.
type Commit struct {
	Snapshot  int64
	CreatedAt time.Time
	Run       string

	// HasNews reports whether what it brought is new in the world, and not in the lake
	// alone: a replay, a withdrawal or a changed roster only tells it anew.
	HasNews bool
}

// NewestCommit is the newest snapshot's number; 0 for a lake without any.
func (s *Study) NewestCommit() (int64, error) {
	l, m, err := s.Snapshot("")
	if is[*EmptyLakeError](err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return m.Snapshot, l.Close()
}

// HasCommit reports whether there is a snapshot of a number, without reading it.
func (s *Study) HasCommit(snapshot int64) bool { return lake.HasManifest(s.LakePath(), snapshot) }

// News opens a commit and tells what it brought. See load.News for do, which is not
// called where the commit has no news, or the snapshot before it is gone.
func (s *Study) News(ctx context.Context, snapshot int64, do func(participant string, changes []load.Change) error) (c Commit, err error) {
	l, err := lake.OpenToRead(s.LakePath())
	if err != nil {
		return c, err
	}
	defer l.Close()
	m, err := l.Manifest(snapshot)
	if err != nil {
		return c, err
	}
	before, err := manifestBefore(l, m)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	c = Commit{Snapshot: snapshot, CreatedAt: m.CreatedAt, Run: m.Run}
	if err == nil {
		c.HasNews, err = s.hasNews(ctx, before, m)
	} else {
		err = nil
	}
	if err != nil || !c.HasNews {
		return c, err
	}
	left, err := load.News(ctx, load.Side{Lake: l, Manifest: before}, load.Side{Lake: l, Manifest: m}, do)
	for _, one := range left {
		s.Logger.Warn("a damaged file hides what is new", "snapshot", one.Snapshot, "table", one.Table, "partition", one.Partition, "error", one.Err)
	}
	return c, err
}

func manifestBefore(l *lake.Lake, m lake.Manifest) (lake.Manifest, error) {
	if m.Parent == 0 {
		return lake.Manifest{}, nil
	}
	return l.Manifest(m.Parent)
}

// hasNews reports whether a fold of answers made m: one that advanced in the log, and
// was no replay.
func (s *Study) hasNews(ctx context.Context, before, m lake.Manifest) (bool, error) {
	if m.LogPosition == before.LogPosition {
		return false, nil
	}
	runs, err := s.Store.Runs(ctx)
	if err != nil {
		return false, err
	}
	for _, r := range slices.Backward(runs) {
		if r.ID == m.Run {
			return r.Command != "replay", nil
		}
	}
	return true, nil
}

// A History is what the lake has of a participant and resource, once all that was there
// to fetch is fetched.
type History struct {
	Participant string
	Resource    string // egvs or events
	From, To    time.Time
}

// Histories are those that are complete: everything of the study up to now was asked
// for, or there is nothing.
func (s *Study) Histories(ctx context.Context) ([]History, error) {
	everybody, err := s.Cohort.Participants(ctx)
	if err != nil {
		return nil, err
	}
	people, err := s.People(ctx, everybody)
	if err != nil {
		return nil, err
	}
	var complete []History
	for _, p := range people {
		if p.Withdrawal.ParticipantID != "" || len(p.Connections) == 0 {
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
