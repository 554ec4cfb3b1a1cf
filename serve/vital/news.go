package vital

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/webhook"
)

// News puts into the outbox of webhooks what happens in a study: what each commit
// brought, and what becomes of connections. Whoever does it again, after a crash too,
// puts in the same events.
type News struct {
	Study      *study.Study
	Outbox     webhook.Outbox
	Identities access.Identities

	connections map[string]bool // ids of events of connections that were put in
	due         bool            // news came since histories were looked at
}

// Fill puts in what happened since the last time.
func (n *News) Fill(ctx context.Context) error {
	some, err := n.Outbox.Wanted(ctx)
	if err != nil {
		return err
	}
	at, begun, err := n.Outbox.Position(ctx)
	switch {
	case err != nil:
		return err
	case !some && begun:
		return n.Outbox.Forsake(ctx)
	case !some:
		return nil
	case !begun || at > 0 && !n.Study.HasCommit(at) && !n.Study.HasCommit(at+1): // another lake than it was
		if at, err = n.begin(ctx); err != nil {
			return err
		}
	}
	t, err := n.telling(ctx)
	if err != nil {
		return err
	}
	if err := n.Outbox.Sweep(ctx, t.withdrawn()); err != nil {
		return err
	}
	if err := t.tellConnections(ctx); err != nil {
		return err
	}
	for at++; n.Study.HasCommit(at); at++ {
		if err := t.commit(ctx, at); err != nil {
			return fmt.Errorf("snapshot %d: %w", at, err)
		}
	}
	return nil
}

// Begin is for whoever adds an endpoint: from now on what happens is told, whenever
// Fill is called.
func (n *News) Begin(ctx context.Context) error {
	_, begun, err := n.Outbox.Position(ctx)
	if err != nil || begun {
		return err
	}
	_, err = n.begin(ctx)
	return err
}

// begin makes what is there now something of which nobody is told.
func (n *News) begin(ctx context.Context) (snapshot int64, err error) {
	if snapshot, err = n.Study.NewestCommit(); err != nil {
		return 0, err
	}
	complete, err := n.Study.Histories(ctx)
	if err != nil {
		return 0, err
	}
	var known []webhook.History
	for _, h := range complete {
		for _, resource := range resourcesOf(h.Resource) {
			known = append(known, webhook.History{Participant: h.Participant, Resource: resource})
		}
	}
	return snapshot, n.Outbox.Begin(ctx, snapshot, known)
}

// resourcesOf are Vital's names of what comes from a resource of Dexcom's.
func resourcesOf(name string) []string {
	if name == "egvs" {
		return []string{webhook.Glucose}
	}
	return []string{webhook.Insulin, webhook.Carbohydrates, webhook.Note, webhook.Workout}
}

// A telling is news being put in.
type telling struct {
	*News
	team   uuid.UUID
	people map[string]*told          // by participant
	told   map[webhook.History]int64 // since which snapshot, by participant and resource
}

// A told is a participant, as webhooks tell of them.
type told struct {
	webhook.Subject
	withdrawn bool
}

func (n *News) telling(ctx context.Context) (*telling, error) {
	t := &telling{News: n, people: make(map[string]*told), told: make(map[webhook.History]int64)}
	var err error
	if t.team, err = n.Identities.Study(ctx); err != nil {
		return nil, err
	}
	everybody, err := n.Study.Cohort.Participants(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(everybody))
	for i, who := range everybody {
		ids[i] = who.ID
	}
	users, err := n.Identities.Users(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, who := range everybody {
		t.people[who.ID] = &told{Subject: webhook.Subject{Study: t.team, User: users[who.ID], Participant: who.ID, Cohort: who.Cohort}}
	}
	gone, err := n.Study.Cohort.Withdrawals(ctx)
	for _, w := range gone {
		if who := t.people[w.ParticipantID]; who != nil {
			who.withdrawn = true
		}
	}
	return t, errors.Join(err, t.readHistories(ctx))
}

func (t *telling) readHistories(ctx context.Context) error {
	all, err := t.Outbox.Histories(ctx)
	for _, h := range all {
		t.told[webhook.History{Participant: h.Participant, Resource: h.Resource}] = h.Snapshot
	}
	return err
}

func (t *telling) withdrawn() (ids []string) {
	for id, who := range t.people {
		if who.withdrawn {
			ids = append(ids, id)
		}
	}
	return ids
}

// daily reports whether what a snapshot brought of a participant and resource is told
// as it comes: not before their history is complete, nor what completed it.
func (t *telling) daily(participant, resource string, snapshot int64) bool {
	since, complete := t.told[webhook.History{Participant: participant, Resource: resource}]
	return complete && since < snapshot
}

// commit puts in what a snapshot brought.
func (t *telling) commit(ctx context.Context, snapshot int64) error {
	f, err := t.Outbox.Fill(ctx)
	if err != nil {
		return err
	}
	news, err := t.Study.OpenNews(ctx, snapshot)
	if study.IsDamage(err) {
		t.Study.Logger.Warn("nobody is told of a snapshot whose manifest is damaged", "snapshot", snapshot, "error", err)
		return f.Done(ctx, snapshot)
	}
	if err != nil {
		return err
	}
	defer news.Close()
	c := &commit{telling: t, Commit: news.Commit, to: f, ctx: ctx}
	err = news.Each(ctx, c.changes)
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
	at := study.Moment{Time: s.At}
	if s.Type == "" {
		return glucoseOf(study.Reading{Moment: at, OffsetS: s.OffsetSec, MgdL: int16(s.Value)}, ""), webhook.Glucose, true
	}
	e := study.Entry{Moment: at, OffsetS: s.OffsetSec, Type: s.Type, Subtype: s.Subtype, Value: &s.Value, Note: s.Text}
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

// historicalData is the data of webhook.Historical.
type historicalData struct {
	UserID    uuid.UUID `json:"user_id"`
	StartDate string    `json:"start_date"`
	EndDate   string    `json:"end_date"`
	IsFinal   bool      `json:"is_final"`
	Provider  string    `json:"provider"`
}

// histories puts in which histories have become complete. What is complete is asked of
// the newest commit: if that is no longer c, what it brought is still to come as daily
// events, or completes the histories itself.
func (t *telling) histories(ctx context.Context, to *webhook.Filling, c study.Commit) error {
	complete, err := t.Study.Histories(ctx)
	if err != nil || t.Study.HasCommit(c.Snapshot+1) {
		return err
	}
	t.due = false
	for _, h := range complete {
		for _, resource := range resourcesOf(h.Resource) {
			if err := t.history(ctx, to, c, h, resource); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *telling) history(ctx context.Context, to *webhook.Filling, c study.Commit, h study.History, resource string) error {
	key := webhook.History{Participant: h.Participant, Resource: resource}
	who := t.people[h.Participant]
	if _, there := t.told[key]; there || who == nil || who.withdrawn {
		return nil
	}
	e, err := who.NewEvent(c.Snapshot, webhook.Historical(resource), "", c.CreatedAt, historicalData{
		UserID: who.User, StartDate: utc(h.From.Truncate(time.Second)), EndDate: utc(h.To.Truncate(time.Second)), IsFinal: true, Provider: providerSlug,
	})
	if err != nil {
		return err
	}
	t.told[key] = c.Snapshot
	return to.Complete(ctx, webhook.History{Participant: h.Participant, Resource: resource, Snapshot: c.Snapshot}, e)
}
