package webhook

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// OldSecretFor is how long the secret before a rotation signs, too.
const OldSecretFor = 24 * time.Hour

// MaxOldSecrets bounds how many secrets sign beside the newest one: each makes an event's
// headers longer.
const MaxOldSecrets = 8

// A RotatedError says that so many secrets before sign that another rotation has to wait.
type RotatedError struct {
	Name string    // of the endpoint
	From time.Time // when it may be rotated again
}

func (e *RotatedError) Error() string {
	return fmt.Sprintf("%s was rotated %d times within a day, and each secret signs for a day after it: the next rotation can be at %s",
		e.Name, MaxOldSecrets, e.From.Format(time.RFC3339))
}

// An oldSecret is one of before a rotation, and signs until a time. They lie in the state
// as JSON, sealed, the newest first.
type oldSecret struct {
	Text  string    `json:"secret"` // a Secret, which would hide itself
	Until time.Time `json:"until"`
}

// Rotate gives an endpoint another secret: the one given, or a new one for "". The one
// before signs, too, for OldSecretFor from now on, whatever is rotated meanwhile. The
// error is a *RotatedError while MaxOldSecrets do.
func (es Endpoints) Rotate(ctx context.Context, id int64, secret Secret) (Endpoint, Secret, error) {
	if secret == "" {
		secret = newSecret()
	}
	sealed, err := es.sealed(secret)
	if err != nil {
		return Endpoint{}, "", err
	}
	var e Endpoint
	err = es.Store.Change(ctx, func(tx *sql.Tx) (_ []state.Act, err error) {
		if e, err = endpointIn(ctx, tx, id); err != nil {
			return nil, err
		}
		before := acted(e)
		if err := es.retire(&e); err != nil {
			return nil, err
		}
		e.secret, e.UpdatedAt = sealed, es.now()
		after := acted(e)
		after["secret"] = "rotated"
		return []state.Act{{Subject: subject, Before: before, After: after}}, updateEndpoint(ctx, tx, e)
	})
	return e, secret, err
}

// retire puts an endpoint's secret among those of before.
func (es Endpoints) retire(e *Endpoint) error {
	held, err := es.signing(*e)
	if err != nil {
		return err
	}
	if len(held) >= MaxOldSecrets {
		return &RotatedError{e.Name(), held[len(held)-1].Until}
	}
	now, err := es.Secret(*e)
	if err != nil {
		return err
	}
	e.OldUntil = es.now().Add(OldSecretFor)
	text, err := json.Marshal(append([]oldSecret{{string(now), e.OldUntil}}, held...))
	if err == nil {
		e.oldSecrets, err = es.Seal.Seal(text)
	}
	return err
}

// Secret returns what an endpoint's events are signed with.
func (es Endpoints) Secret(e Endpoint) (Secret, error) {
	text, err := es.Seal.Open(e.secret)
	return Secret(text), err
}

// signing are the secrets of before that still sign, the newest first.
func (es Endpoints) signing(e Endpoint) (held []oldSecret, err error) {
	if e.oldSecrets == nil || !es.now().Before(e.OldUntil) {
		return nil, nil
	}
	text, err := es.Seal.Open(e.oldSecrets)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &held); err != nil {
		return nil, errors.New("the secrets of before a rotation cannot be read") // the error may quote one
	}
	return slices.DeleteFunc(held, func(o oldSecret) bool { return !es.now().Before(o.Until) }), nil
}

// secrets are those that sign now, the newest first.
func (es Endpoints) secrets(e Endpoint) ([]Secret, error) {
	now, err := es.Secret(e)
	if err != nil {
		return nil, err
	}
	held, err := es.signing(e)
	all := []Secret{now}
	for _, o := range held {
		all = append(all, Secret(o.Text))
	}
	return all, err
}

func (es Endpoints) sealed(s Secret) ([]byte, error) {
	if err := checkSecret(s); err != nil {
		return nil, err
	}
	if es.Seal == nil {
		return nil, errors.New("no key to seal the secret with")
	}
	return es.Seal.Seal([]byte(s))
}
