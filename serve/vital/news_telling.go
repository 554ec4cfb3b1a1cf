package vital

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/webhook"
)

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
