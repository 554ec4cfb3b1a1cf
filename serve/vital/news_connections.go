package vital

import (
	"context"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/webhook"
)

// A provider is what events say of Dexcom.
type provider struct {
	Name string `json:"name"`
	Slug string `json:"slug"`
	Logo string `json:"logo"`
}

func dexcomProvider() provider { return provider{Name: "Dexcom", Slug: providerSlug} }

// connectedData is the data of webhook.ConnectionCreated.
type connectedData struct {
	UserID         uuid.UUID         `json:"user_id"`
	Provider       provider          `json:"provider"`
	Source         provider          `json:"source"`
	ExternalUserID *string           `json:"external_user_id"`
	Availability   map[string]served `json:"resource_availability"`
}

// served says that a resource is available.
type served struct {
	Status string    `json:"status"`
	Scopes *struct{} `json:"scope_requirements"`
}

// refusedData is the data of webhook.ConnectionError.
type refusedData struct {
	UserID       uuid.UUID `json:"user_id"`
	Provider     string    `json:"provider"`
	ErrorType    string    `json:"error_type"`
	Message      string    `json:"message"`
	ErrorDetails string    `json:"error_details"`
}

// tellConnections puts in who connected lately, and whom Dexcom refuses for good. Each is
// told from when it happened, so that what is put in again later than events are kept is
// not told again.
func (t *telling) tellConnections(ctx context.Context) (err error) {
	all, err := t.Study.Consents.Connections(ctx)
	if err != nil {
		return err
	}
	f, err := t.Outbox.Fill(ctx)
	if err != nil {
		return err
	}
	if t.News.connections == nil {
		t.News.connections = make(map[string]bool)
	}
	defer func() {
		if err != nil {
			t.News.connections = nil // some may not be in: all are put in again
		}
	}()
	for _, c := range all {
		who := t.people[c.ParticipantID]
		if who == nil || who.withdrawn || c.Aside || c.AccountHash == "" {
			continue
		}
		if t.lately(c.GrantedAt) {
			if err := t.tell(ctx, f, who, webhook.ConnectionCreated, c.ID, c.GrantedAt, t.connected(who)); err != nil {
				return err
			}
		}
		if c.Status == consent.NeedsReconsent && t.lately(c.RefusedAt) {
			if err := t.tell(ctx, f, who, webhook.ConnectionError, c.ID, c.RefusedAt, refused(who, c)); err != nil {
				return err
			}
		}
	}
	return f.Flush(ctx)
}

// lately reports whether what happened at a time is told, if it was not yet.
func (t *telling) lately(at time.Time) bool {
	return !at.IsZero() && t.Study.Now().Sub(at) < webhook.KeptFor
}

func (t *telling) tell(ctx context.Context, to *webhook.Filling, who *told, kind, connection string, at time.Time, data any) error {
	e, err := who.NewEvent(0, kind, connection+" "+strconv.FormatInt(at.UnixMicro(), 10), at, data)
	if err != nil || t.News.connections[e.ID] {
		return err
	}
	t.News.connections[e.ID] = true
	return to.Put(ctx, e)
}

func (t *telling) connected(who *told) connectedData {
	available := make(map[string]served)
	for _, name := range t.Study.Config.Sync.Resources {
		if name == "egvs" || name == "events" {
			for _, resource := range resourcesOf(name) {
				available[resource] = served{Status: "available"}
			}
		}
	}
	return connectedData{UserID: who.User, Provider: dexcomProvider(), Source: dexcomProvider(), Availability: available}
}

func refused(who *told, c consent.Connection) refusedData {
	return refusedData{
		UserID: who.User, Provider: providerSlug, ErrorType: "token_refresh_failed",
		Message:      "Dexcom refuses the consent; the person must connect again",
		ErrorDetails: "refused since " + utc(c.RefusedSince.Truncate(time.Second)),
	}
}
