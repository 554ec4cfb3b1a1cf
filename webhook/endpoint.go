package webhook

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/state"
)

// An Endpoint is where events are sent to. Times are UTC.
type Endpoint struct {
	ID          int64
	URL         string
	Description string
	Events      []string // kinds, sorted; empty: all that Rights let it get
	Rights      access.Rights
	PerSecond   int    // events at most; 0: as many as it takes
	MadeBy      string // the key that set the URL; "": a person did
	CreatedAt   time.Time
	UpdatedAt   time.Time

	DisabledAt   time.Time // zero: it gets events
	Why          Reason    // of DisabledAt
	FailingSince time.Time // the first failure since the last success; zero: none
	SucceededAt  time.Time // the last success; zero: never
	WaitUntil    time.Time // as it asked with Retry-After
	OldUntil     time.Time // until when the secret before the last rotation signs, too

	headers, secret []byte // sealed
	oldSecrets      []byte // those before, sealed: see oldSecret
}

// A Reason says why an endpoint is disabled.
type Reason string

// The reasons.
const (
	Asked    Reason = "asked"    // by a person
	Revoked  Reason = "revoked"  // the key that set its URL is
	Outdated Reason = "outdated" // by the audit trail it ended or moved, which the state does not know
	Gone     Reason = "gone"     // it answered 410
	Failing  Reason = "failing"  // nothing succeeded for GiveUpAfter
)

// Name is how people call the endpoint.
func (e Endpoint) Name() string { return "ep" + strconv.FormatInt(e.ID, 10) }

// Enabled reports whether events are sent to it.
func (e Endpoint) Enabled() bool { return e.DisabledAt.IsZero() }

// wants reports whether an event goes to the endpoint.
func (e Endpoint) wants(v Event, blinded bool) bool {
	return (len(e.Events) == 0 || slices.Contains(e.Events, v.Kind)) && mayGet(e.Rights, v, blinded)
}

// MaxEndpoints bounds how many there can be: each gets every event.
const MaxEndpoints = 50

// Endpoints are those of a study. Seal is needed where a secret is made or read.
type Endpoints struct {
	Store        *state.Store
	Seal         Sealer
	AllowPrivate bool // webhooks.allow_private
	Blinding     Blinding
}

// An UnknownError says that no endpoint has a name.
type UnknownError struct{ Name string }

func (e *UnknownError) Error() string { return fmt.Sprintf("there is no endpoint %q", e.Name) }

// ErrTooMany says that there are MaxEndpoints already.
var ErrTooMany = fmt.Errorf("there are %d endpoints already, which is as many as there can be", MaxEndpoints)

// Add makes an endpoint of URL, Description, Events, Rights and PerSecond, and its secret: the one
// given, or a new one for "". The URL is as CheckURL wants it. Events that the rights never
// let through are a *NeverError.
func (es Endpoints) Add(ctx context.Context, e Endpoint, secret Secret) (Endpoint, Secret, error) {
	if err := CheckURL(e.URL, es.AllowPrivate); err != nil {
		return e, "", err
	}
	var err error
	if e.Events, err = checkKinds(e.Events); err != nil {
		return e, "", err
	}
	if err := checkRights(e.Rights, e.Events, es.Blinding.on()); err != nil {
		return e, "", err
	}
	if secret == "" {
		secret = newSecret()
	}
	if e.secret, err = es.sealed(secret); err != nil {
		return e, "", err
	}
	e.CreatedAt = es.now()
	e.UpdatedAt, e.Rights.Scope = e.CreatedAt, access.Read
	err = es.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		held, err := endpointsIn(ctx, tx)
		if err == nil && len(held) >= MaxEndpoints {
			err = ErrTooMany
		}
		if err == nil {
			err = keyWorks(ctx, tx, e.MadeBy)
		}
		if err != nil {
			return nil, err
		}
		e.ID, err = insertEndpoint(ctx, tx, e)
		return []state.Act{{Subject: subject, After: acted(e)}}, err
	})
	return e, secret, err
}

// subject is that of acts in the audit trail.
const subject = "webhook"

// acted is e for the audit trail, which holds no secret, nor what of a URL may be one.
func acted(e Endpoint) state.Fields {
	f := state.Fields{
		"endpoint": e.Name(), "host": hostOf(e.URL), "events": strings.Join(e.Events, " "),
		"unblinded": e.Rights.Unblinded, "notes": e.Rights.Notes, "enabled": e.Enabled(),
	}
	if e.Rights.Cohort != "" {
		f["cohort"] = e.Rights.Cohort
	}
	if e.MadeBy != "" {
		f["made_by"] = e.MadeBy
	}
	return f
}

// List returns all endpoints, oldest first.
func (es Endpoints) List(ctx context.Context) ([]Endpoint, error) { return endpointsIn(ctx, es.Store) }

// Find returns the endpoint of a name, or of a URL that only one has. Else an
// *UnknownError.
func (es Endpoints) Find(ctx context.Context, name string) (Endpoint, error) {
	all, err := es.List(ctx)
	if err != nil {
		return Endpoint{}, err
	}
	var found []Endpoint
	for _, e := range all {
		if e.Name() == name {
			return e, nil
		}
		if e.URL == name {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		return Endpoint{}, &UnknownError{name}
	}
	return found[0], nil
}

// Edit changes what edit does to an endpoint: its URL, Description, Events, PerSecond,
// and whether it is disabled, by DisabledAt and Why.
func (es Endpoints) Edit(ctx context.Context, id int64, edit func(*Endpoint)) (after Endpoint, err error) {
	err = es.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		before, err := endpointIn(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		after = before
		edit(&after)
		if after.Events, err = checkKinds(after.Events); err != nil {
			return nil, err
		}
		if !slices.Equal(after.Events, before.Events) {
			if err := checkRights(after.Rights, after.Events, es.Blinding.on()); err != nil {
				return nil, err
			}
		}
		if after.URL != before.URL {
			if err := CheckURL(after.URL, es.AllowPrivate); err != nil {
				return nil, err
			}
			if err := keyWorks(ctx, tx, after.MadeBy); err != nil {
				return nil, err
			}
		}
		after.UpdatedAt = es.now()
		if after.Enabled() && !before.Enabled() {
			after.Why, after.FailingSince, after.WaitUntil = "", time.Time{}, time.Time{}
			if err := tryAtOnce(ctx, tx, id); err != nil {
				return nil, err
			}
		}
		return []state.Act{{Subject: subject, Before: acted(before), After: acted(after)}}, updateEndpoint(ctx, tx, after)
	})
	return after, err
}

// Disable stops sending to an endpoint: what happens meanwhile waits for Enable. Of one that
// is disabled it says that somebody wants that.
func (es Endpoints) Disable(ctx context.Context, id int64) (Endpoint, error) {
	return es.Edit(ctx, id, func(e *Endpoint) {
		e.disable(es.now(), Asked)
		e.Why = Asked
	})
}

// Enable sends to an endpoint again, first what waits.
func (es Endpoints) Enable(ctx context.Context, id int64) (Endpoint, error) {
	return es.Edit(ctx, id, func(e *Endpoint) { e.DisabledAt = time.Time{} })
}

// disable leaves an endpoint that is disabled as it is.
func (e *Endpoint) disable(at time.Time, why Reason) {
	if e.Enabled() {
		e.DisabledAt, e.Why = at, why
	}
}

// Remove forgets an endpoint and what waits for it.
func (es Endpoints) Remove(ctx context.Context, id int64) error {
	return es.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		e, err := endpointIn(ctx, tx, id)
		if err != nil {
			return nil, err
		}
		_, err = tx.ExecContext(ctx, "delete from webhook_endpoints where endpoint_id = ?", id)
		return []state.Act{{Subject: subject, Before: acted(e)}}, err
	})
}

func (es Endpoints) now() time.Time { return es.Store.Now().UTC().Truncate(time.Microsecond) }
