package vital

import (
	"context"

	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/frozen"
	"github.com/dexetl/dexetl/webhook"
)

// commit puts in what a snapshot brought since the one of which everything is told, and
// reports whether everything is told of this one now. Of a snapshot that nobody can read,
// one that comes later tells.
func (t *telling) commit(ctx context.Context, last, snapshot int64) (told bool, err error) {
	f, err := t.Outbox.Fill(ctx)
	if err != nil {
		return false, err
	}
	news, err := t.Study.OpenNews(ctx, last, snapshot)
	if study.IsDamage(err) {
		return t.unread(ctx, f, snapshot, err)
	}
	if err != nil {
		return false, err
	}
	defer news.Close()
	if news.GoesOn {
		return false, nil
	}
	return true, t.brought(ctx, f, news)
}

// unread passes over a snapshot whose manifest nobody can read, for good if it was removed.
func (t *telling) unread(ctx context.Context, f *webhook.Filling, snapshot int64, harm error) (told bool, err error) {
	if t.Study.WasRemoved(snapshot) {
		t.Study.Logger.Warn("nobody is told of a snapshot whose manifest was removed", "snapshot", snapshot)
		return true, f.Done(ctx, snapshot)
	}
	if snapshot > t.warned {
		t.warned = snapshot
		t.Study.Logger.Warn("a snapshot's manifest is damaged: the next one that can be read tells what it brought", "snapshot", snapshot, "error", harm)
	}
	return false, nil
}

// brought puts in what a snapshot brought.
func (t *telling) brought(ctx context.Context, f *webhook.Filling, news *study.News) error {
	snapshot := news.Snapshot
	c := &commit{telling: t, Commit: news.Commit, to: f, ctx: ctx}
	err := news.Each(ctx, c.changes)
	if err == nil {
		err = c.endOf()
	}
	t.due = t.due || news.HasNews
	if err == nil && t.due && !t.Study.HasCommit(snapshot+1) {
		err = t.histories(ctx, f, news.Commit)
	}
	if err != nil {
		return err
	}
	e, err := webhook.Subject{Study: t.team}.NewEvent(snapshot, webhook.SnapshotCreated, "", news.CreatedAt,
		snapshotData{Snapshot: snapshot, CreatedAt: utc(news.CreatedAt), Run: news.Run, Replay: news.Replay})
	if err != nil {
		return err
	}
	if err := f.Put(ctx, e); err != nil {
		return err
	}
	return f.Done(ctx, snapshot)
}

// snapshotData is the data of webhook.SnapshotCreated.
type snapshotData struct {
	Snapshot  int64  `json:"snapshot"`
	CreatedAt string `json:"created_at"`
	Run       string `json:"run"`
	Replay    bool   `json:"replay"` // what was told may be different now: to be read again
}

// A commit being put in, one participant after the other.
type commit struct {
	*telling
	study.Commit
	to  *webhook.Filling
	ctx context.Context //nolint:containedctx // it lives as long as one call

	of    *told
	parts map[string]*webhook.Parts // by kind
	order []string                  // kinds, as they came
}

// changes puts in what is new of somebody.
func (c *commit) changes(participant string, changes []load.Change) error {
	who := c.people[participant]
	if who == nil || who.withdrawn {
		return nil
	}
	if c.of != who {
		if err := c.endOf(); err != nil {
			return err
		}
		c.of, c.parts, c.order = who, make(map[string]*webhook.Parts), nil
	}
	for _, change := range changes {
		sample, resource, ok := sampleOf(change.Sample)
		kind := kindOf(change.Kind, resource)
		if !ok || kind == "" || !c.daily(participant, resource, c.Snapshot) {
			continue
		}
		if err := c.part(kind, resource).Add(sample); err != nil {
			return err
		}
	}
	return nil
}

func kindOf(kind load.ChangeKind, resource string) string {
	switch {
	case kind == load.Created:
		return webhook.Created(resource)
	case kind == load.Updated:
		return webhook.Updated(resource)
	case resource == webhook.Glucose:
		return webhook.GlucoseVanished
	}
	return ""
}

func (c *commit) part(kind, resource string) *webhook.Parts {
	if p := c.parts[kind]; p != nil {
		return p
	}
	p := &webhook.Parts{
		Of: c.of.Subject, Kind: kind, Source: sourceOf(resource), Snapshot: c.Snapshot, At: c.CreatedAt,
		Put: func(e webhook.Event) error { return c.to.Put(c.ctx, e) },
	}
	c.parts[kind], c.order = p, append(c.order, kind)
	return p
}

// endOf puts in what was gathered of somebody.
func (c *commit) endOf() error {
	for _, kind := range c.order {
		if err := c.parts[kind].End(); err != nil {
			return err
		}
	}
	c.of = nil
	return nil
}

// sampleOf is a sample as the routes show it, and of which resource; false where they
// show none.
func sampleOf(s load.Sample) (sample any, resource string, ok bool) {
	at := frozen.Moment{Time: s.At}
	if s.Type == "" {
		return glucoseOf(frozen.Reading{Moment: at, OffsetS: s.OffsetSec, MgdL: int16(s.Value)}, ""), webhook.Glucose, true
	}
	e := frozen.Entry{Moment: at, OffsetS: s.OffsetSec, Type: s.Type, Subtype: s.Subtype, Value: &s.Value, Note: s.Text}
	switch s.Type {
	case "insulin":
		sample, ok = insulinOf(e)
		return sample, webhook.Insulin, ok
	case "carbs":
		sample, ok = carbsOf(e)
		return sample, webhook.Carbohydrates, ok
	case "exercise":
		sample, ok = workoutOf(e)
		return sample, webhook.Workout, ok
	case load.NoteType:
		e.Type = s.Subtype
		return noteOf(e), webhook.Note, true
	}
	return nil, "", false
}
