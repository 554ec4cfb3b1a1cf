package vital

import (
	"context"
	"fmt"

	"github.com/dexetl/dexetl/access"
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
	warned      int64           // the newest snapshot that could not be read, as far as that was said
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
	for next := at + 1; n.Study.HasCommit(next); next++ {
		told, err := t.commit(ctx, at, next)
		if err != nil {
			return fmt.Errorf("snapshot %d: %w", next, err)
		}
		if told {
			at = next
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
