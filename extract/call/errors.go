package call

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// A ClockError says that our clock is more than a day off the server's. Nothing
// is fetched then: the log would date its answers wrong.
type ClockError struct {
	Ours, Server time.Time
}

func (e *ClockError) Error() string {
	return fmt.Sprintf("this computer's clock says %s, the server says %s: set the clock, then run again",
		e.Ours.UTC().Format(time.RFC3339), e.Server.UTC().Format(time.RFC3339))
}

// A TokenError says that no access token could be had for a participant. The
// cause is the token source's.
type TokenError struct {
	ParticipantID string
	Err           error
	Passes        bool      // nothing but the network or a server was in the way
	Unanswered    bool      // a refresh brought no answer, or none is tried any more because of one
	RetryAt       time.Time // the token source wants to be left alone until then; zero: it does not say
}

func (e *TokenError) Error() string { return "access token: " + e.Err.Error() }

// Unwrap returns the token source's error.
func (e *TokenError) Unwrap() error { return e.Err }

// A LimitError says that the API refused calls as too many and wants to be left
// alone for longer than the run may wait.
type LimitError struct {
	App   string
	Until time.Time // UTC; when to come back; zero: the API does not say
	Err   error     // the last refusal
}

func (e *LimitError) Error() string {
	if e.Until.IsZero() {
		return fmt.Sprintf("app %s: the API keeps refusing calls as too many: %v", e.App, e.Err)
	}
	return fmt.Sprintf("app %s: the API refuses calls as too many and takes none until %s: %v", e.App, minuteAfter(e.Until), e.Err)
}

// Unwrap returns the last refusal.
func (e *LimitError) Unwrap() error { return e.Err }

// An OutageError says that an app could not be reached for as long as the run
// could wait.
type OutageError struct {
	App   string
	Since time.Time // UTC
	Err   error     // what the last look at it came back with; names nobody
}

func (e *OutageError) Error() string {
	return fmt.Sprintf("app %s cannot be reached since %s: %v", e.App, e.Since.Format(time.RFC3339), e.Err)
}

// Unwrap returns what the last look came back with.
func (e *OutageError) Unwrap() error { return e.Err }

// A ComeBackError says that the API wants to be asked again for one thing later
// than the run may wait.
type ComeBackError struct {
	Until time.Time // UTC
	Err   error     // what it said
}

func (e *ComeBackError) Error() string {
	return fmt.Sprintf("%v; the API wants to be asked again after %s", e.Err, minuteAfter(e.Until))
}

// Unwrap returns what the API said.
func (e *ComeBackError) Unwrap() error { return e.Err }

// minuteAfter writes the full minute that is not before t.
func minuteAfter(t time.Time) string {
	return t.UTC().Add(time.Minute - 1).Truncate(time.Minute).Format(time.RFC3339)
}

// A NoContentError says that a window was answered with 204, no content, where
// dataRange does not say that it has none.
type NoContentError struct{}

func (*NoContentError) Error() string {
	return "204 No Content, and dataRange does not say that nothing is there"
}

// A FatalError ends the whole run.
type FatalError struct{ Err error }

func (e FatalError) Error() string { return e.Err.Error() }

// Unwrap returns what went wrong.
func (e FatalError) Unwrap() error { return e.Err }

// Is reports whether err is an E, or wraps one.
func Is[E error](err error) bool { return find[E](err) != nil }

// find returns the E that err is or wraps; nil: it is none.
func find[E error](err error) error {
	if e, ok := errors.AsType[E](err); ok {
		return e
	}
	return nil
}

// A Lasting error says of itself that asking again does not help, such as that the
// participant has withdrawn.
type Lasting interface {
	error
	Lasting()
}

// Transient reports whether the same request may succeed later in this run.
func Transient(err error) bool {
	token, isToken := errors.AsType[*TokenError](err)
	status, isStatus := errors.AsType[*dexcom.StatusError](err)
	switch {
	case err == nil, Is[FatalError](err), Is[Lasting](err), isToken && !token.Passes:
		return false
	case Is[*dexcom.SizeError](err), Is[*NoContentError](err): // asked again it is the same
		return false
	}
	return !isStatus || status.Temporary() // else a body that is no answer, or the transport's
}

// AppOver returns the error by which err says that no call of an app is made any
// more in this run, whoever's: nil if it says something else.
func AppOver(err error) error { return cmp.Or(find[*LimitError](err), find[*OutageError](err)) }
