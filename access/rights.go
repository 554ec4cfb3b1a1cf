package access

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/dexetl/dexetl/extract/state"
)

// A Scope says what a key is for.
type Scope string

// The scopes. Manage includes Read.
const (
	Read   Scope = "read"
	Manage Scope = "manage"
)

// Scopes are all of them.
func Scopes() []Scope { return []Scope{Read, Manage} }

// Includes reports whether a key of scope s may do what needs another.
func (s Scope) Includes(needed Scope) bool { return s == needed || s == Manage && needed == Read }

// Rights are what a key may see and do.
type Rights struct {
	Scope     Scope
	Notes     bool   // free text of events, too
	Unblinded bool   // what a blinded study hides, too: glucose, events, alerts, metrics, arms
	Cohort    string // participants of this cohort alone: others do not exist for the key; "": all
}

func (r Rights) fields() state.Fields {
	f := state.Fields{"scope": string(r.Scope), "notes": r.Notes, "unblinded": r.Unblinded}
	if r.Cohort != "" {
		f["cohort"] = r.Cohort
	}
	return f
}

// A Key is what is known of a key, which is all but its secret.
type Key struct {
	ID         int64
	Name       string
	Shown      string // beginning and end of the secret, by which people know it
	Rights     Rights
	CreatedAt  time.Time
	LastUsedAt time.Time // to the minute; zero: never
	RevokedAt  time.Time // zero: it works
}

// Works reports whether k was not revoked.
func (k Key) Works() bool { return k.RevokedAt.IsZero() }

// ErrUnknown is all that the sender of a secret is told, whether it is malformed,
// unknown, or of a key that was revoked.
var ErrUnknown = errors.New("unknown key")

// A NameError says why a key of a name cannot be made, or that there is none.
type NameError struct {
	Name   string
	Reason NameReason
	Near   string // the name that was perhaps meant; ""
}

// A NameReason says, after the name of a key, what is wrong with it.
type NameReason string

// The reasons.
const (
	NameBad     NameReason = "is no name: 1 to 64 letters, digits, -, _ and ."
	NameTaken   NameReason = "is there already"
	NameSpent   NameReason = "was the name of a key that is revoked, and stays its name in the audit trail"
	NameUnknown NameReason = "is no key"
	NameRevoked NameReason = "is revoked already"
)

func (e *NameError) Error() string {
	text := fmt.Sprintf("key %q %s", e.Name, e.Reason)
	if e.Near != "" {
		text += "; did you mean " + e.Near + "?"
	}
	return text
}

var keyName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func checkName(name string) error {
	if !keyName.MatchString(name) {
		return &NameError{Name: name[:min(len(name), 64)], Reason: NameBad}
	}
	return nil
}
