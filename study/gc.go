package study

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/retain"
	"github.com/dexetl/dexetl/webhook"
)

// A Collection is what a collection of snapshots did, or would do.
type Collection struct {
	lake.Freed
	Policy retain.Policy
	Kept   map[string]int // snapshots that stay, by the first reason there is; see retain

	// OlderLake is the format of the newest snapshot, if it is one of which older programs
	// take snapshots that are gone for lost: then all stay until the next commit. Else 0.
	OlderLake int
}

// Left is how many snapshots stay.
func (c Collection) Left() (n int) {
	for _, one := range c.Kept {
		n += one
	}
	return n
}

// Retention is what the configuration says of snapshots.
func (s *Study) Retention() retain.Policy {
	keep := s.Config.Lake.KeepSnapshots
	return retain.Policy{Last: keep.Last, Daily: keep.Daily}
}

// Collect removes the snapshots that nothing keeps. It waits so long for another process
// that loads. Interrupted anywhere, the next one that loads ends it, or takes it back.
func (s *Study) Collect(ctx context.Context, by retain.Policy, wait time.Duration) (done Collection, err error) {
	err = s.Locked(ctx, wait, func(l *lake.Lake) error {
		done, err = s.collect(ctx, l, by)
		return err
	})
	return done, err
}

// Collectable is what Collect would do now.
func (s *Study) Collectable(ctx context.Context, by retain.Policy) (would Collection, err error) {
	l, _, err := s.Newest()
	if err != nil {
		return would, err
	}
	defer l.Close()
	remove, would, err := s.weigh(ctx, l, by)
	if err != nil {
		return would, err
	}
	would.Freed, err = l.Freed(remove)
	return would, err
}

// collect collects in a lake whose lock is held.
func (s *Study) collect(ctx context.Context, l *lake.Lake, by retain.Policy) (done Collection, err error) {
	remove, done, err := s.weigh(ctx, l, by)
	if err != nil || done.OlderLake > 0 {
		return done, err
	}
	done.Freed, err = l.Remove(remove, lake.GoneCollected, l.Opened)
	if spared := len(remove) - len(done.Snapshots); spared > 0 && err == nil {
		done.Kept[retain.Opened] += spared
	}
	return done, errors.Join(err, l.SweepOpened())
}

// weigh finds out which manifests nothing keeps.
func (s *Study) weigh(ctx context.Context, l *lake.Lake, by retain.Policy) (remove []lake.ID, would Collection, err error) {
	would = Collection{Policy: by, Kept: make(map[string]int)}
	need, err := s.needed(ctx, l)
	if err != nil {
		return nil, would, err
	}
	all, format, err := s.dated(l)
	if err != nil {
		return nil, would, err
	}
	if format < lake.Format {
		would.OlderLake = format
		would.Kept[retain.Last] = len(all)
		return nil, would, nil
	}
	kept := by.Keep(all, need, s.Now())
	for _, one := range all {
		if why := kept[one.ID]; why != "" {
			would.Kept[why]++
		} else {
			remove = append(remove, one.ID)
		}
	}
	return remove, would, nil
}

// needed is what keeps snapshots whatever the policy says.
func (s *Study) needed(ctx context.Context, l *lake.Lake) (need retain.Need, err error) {
	tags, err := l.Tags()
	if err != nil {
		return need, err
	}
	gone, err := l.Gone()
	if err != nil {
		return need, err
	}
	for _, t := range tags {
		if _, removed := gone.Of(t.ID().Number); removed && t.ID().Issue == 0 && !l.HasManifest(t.ID().Number) {
			continue // that is accounted for, and keeps nothing
		}
		if _, err := l.Tagged(t); err != nil {
			return need, fmt.Errorf("no snapshot is removed while nobody knows what the tag %s keeps: %w", t.Name, err)
		}
		need.Tagged = append(need.Tagged, t.ID())
	}
	if err := s.missesTag(ctx, l, tags, gone); err != nil {
		return need, err
	}
	if need.Opened, err = l.Opened(); err != nil {
		return need, err
	}
	at, told, err := s.outbox().Position(ctx)
	if told {
		need.From = max(1, at)
	}
	return need, err
}

// missesTag is an error while a tag that the audit trail knows is lost and what it was on may
// still be there, or the trail is not whole, so that nobody knows which tags there were.
func (s *Study) missesTag(ctx context.Context, l *lake.Lake, tags []lake.Tag, gone lake.Gone) error {
	trail, err := s.knownTrail(ctx)
	if err != nil {
		return fmt.Errorf("no snapshot is removed while nobody knows which tags there were: %w", err)
	}
	ids, err := l.IDs()
	if err != nil {
		return err
	}
	for _, was := range tagsLost(trail, tags) {
		on, _ := lake.ParseID(was.Snapshot)
		_, removed := gone.Of(on.Number)
		if removed && !slices.ContainsFunc(ids, func(id lake.ID) bool { return id.Number == on.Number }) {
			continue // that is accounted for, and kept nothing
		}
		lost := &lake.DamageError{Path: lake.Tag{Name: was.Tag}.Path(), Err: fs.ErrNotExist}
		return fmt.Errorf("no snapshot is removed while nobody knows what the tag %s keeps: %w", was.Tag, lost)
	}
	return nil
}

// knownTrail is the audit trail, which has to have all lines that state.db and snapshots know,
// but for those that are accepted as lost: what these say of tags was told again then.
func (s *Study) knownTrail(ctx context.Context) ([]state.AuditLine, error) {
	trail, err := s.Store.Trail(ctx)
	if damage, ok := errors.AsType[*state.AuditError](err); ok && damage.Ahead {
		err = nil
	}
	if err == nil {
		_, err = s.HoldSnapshots(ctx)
	}
	return trail, err
}

func (s *Study) outbox() webhook.Outbox { return webhook.Outbox{Store: s.Store} }

// dated lists the manifests with what keeps them, and the format of the newest.
func (s *Study) dated(l *lake.Lake) (all []retain.Snapshot, format int, err error) {
	ids, err := l.IDs()
	if err != nil {
		return nil, 0, err
	}
	for _, id := range ids {
		m, err := l.ManifestOf(id)
		if err != nil {
			return nil, 0, fmt.Errorf("no snapshot is removed while the files of one are not known: %w", err)
		}
		if id.Issue == 0 {
			format = m.Format
		}
		one := retain.Snapshot{ID: id, CreatedAt: m.CreatedAt}
		if id.Issue == 0 {
			folder := folderOf(l, id.Number)
			one.Folder, one.Latest = folder != "none", folder == "latest"
		}
		all = append(all, one)
	}
	return all, format, nil
}

// collect removes snapshots at the end of a run, if this process holds the load lock. Of
// damage somewhere else, also of the audit trail, it tells, and lets the run come to its end.
func (l *loading) collect(ctx context.Context) (done Collection, err error) {
	if l.guard == nil || ctx.Err() != nil {
		return done, nil
	}
	done, err = l.study.collect(ctx, l.lake, l.study.Retention())
	if is[*lake.DamageError](err) || is[*lake.VersionError](err) || is[*state.AuditError](err) || is[*TrailError](err) {
		l.study.Logger.Warn("no snapshot was removed", "error", err)
		return done, nil
	}
	if err != nil {
		err = fmt.Errorf("all answers are in the tables, but: %w", err)
	}
	return done, err
}
