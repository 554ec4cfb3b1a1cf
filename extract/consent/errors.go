package consent

import (
	"cmp"
	"fmt"
	"strings"
	"time"
)

// A RefreshStoppedError says that so many refreshes of this run failed that it
// tries no more, and how the last of them did.
type RefreshStoppedError struct{ Last error }

func (e *RefreshStoppedError) Error() string {
	return fmt.Sprintf("too many token refreshes failed, so no more are tried in this run; the last: %v", e.Last)
}

// Unwrap returns how the last refresh failed.
func (e *RefreshStoppedError) Unwrap() error { return e.Last }

// A NeedsReconsentError says that the person must consent again.
type NeedsReconsentError struct {
	ParticipantID string
	Said          string // Dexcom's words; "": not known
}

func (e *NeedsReconsentError) Error() string {
	return fmt.Sprintf("participant %s: Dexcom no longer accepts the consent%s", e.ParticipantID, inBrackets(e.Said))
}

// inBrackets is words to put behind others.
func inBrackets(said string) string {
	if said == "" {
		return ""
	}
	return " (" + said + ")"
}

// An AuthSuspectError says that Dexcom refused the refresh token lately, which
// happens falsely too: it is tried again at RetryAt (UTC), not before.
type AuthSuspectError struct {
	ParticipantID string
	RetryAt       time.Time
	Said          string // Dexcom's words; "": not known
}

func (e *AuthSuspectError) Error() string {
	return fmt.Sprintf("participant %s: Dexcom refused the consent%s; tried again after %s", e.ParticipantID, inBrackets(e.Said), e.RetryAt.Format(time.RFC3339))
}

// A SealError says that what is stored, sealed, of one participant cannot be opened
// with the study's key: that row of the state is damaged, and others are not.
type SealError struct{ ParticipantID string }

func (e *SealError) Error() string {
	return fmt.Sprintf("participant %s: the stored tokens are damaged and cannot be used", e.ParticipantID)
}

// An ExportedError says that the grant was exported: another machine uses it.
type ExportedError struct{ ParticipantID string }

func (e *ExportedError) Error() string {
	return fmt.Sprintf("participant %s: the grant was exported to another machine and is not used here", e.ParticipantID)
}

// A WrongClientError says that Dexcom does not accept the app's credentials.
// It is a matter of configuration; no participant's consent is in doubt.
type WrongClientError struct {
	Region string
	Code   string // invalid_client or unauthorized_client
	Said   string // Dexcom's words; "": no more than that
}

func (e *WrongClientError) Error() string {
	return fmt.Sprintf("region %s: Dexcom does not accept the app (%s): check client id, client secret and redirect URI in dexetl.yaml", e.Region, cmp.Or(e.Said, e.Code))
}

// A NoAppError says that the configuration has no app for a region.
type NoAppError struct{ Region string }

func (e *NoAppError) Error() string {
	return fmt.Sprintf("region %q: no app is configured for it in dexetl.yaml", e.Region)
}

// A TemporaryError says that a refresh brought no tokens for a reason that is
// nobody's fault. Nothing is lost; RetryAt (UTC) is when it is tried again.
type TemporaryError struct {
	ParticipantID string
	RetryAt       time.Time
	Reason        string // such as 503 Service Unavailable
	Err           error  // the transport's, or nil
}

func (e *TemporaryError) Error() string {
	return fmt.Sprintf("participant %s: token refresh: %s; tried again after %s", e.ParticipantID, e.Reason, e.RetryAt.Format(time.RFC3339))
}

// Unwrap returns the transport's error, if there was one.
func (e *TemporaryError) Unwrap() error { return e.Err }

// Temporary reports that it may work later.
func (e *TemporaryError) Temporary() bool { return true }

// A DeniedError says that the person chose not to share.
type DeniedError struct{ ParticipantID string }

func (e *DeniedError) Error() string {
	return fmt.Sprintf("participant %s: consent was denied in the browser", e.ParticipantID)
}

// A CodeError says that a code could not be exchanged for tokens. The consent
// has to be begun again.
type CodeError struct {
	ParticipantID string
	Reason        string
	Err           error // the transport's, or nil
}

func (e *CodeError) Error() string {
	return fmt.Sprintf("participant %s: code exchange: %s; it has to begin again", e.ParticipantID, e.Reason)
}

// Unwrap returns the transport's error, if there was one.
func (e *CodeError) Unwrap() error { return e.Err }

// An UncheckedError says that the grant is kept, but that its account could
// not be looked at. That is done on first use.
type UncheckedError struct {
	ParticipantID string
	Err           error
}

func (e *UncheckedError) Error() string {
	return fmt.Sprintf("participant %s: the consent is kept, its account not yet checked: %s", e.ParticipantID, within(e.ParticipantID, e.Err))
}

// within is err in a message that has named the participant already.
func within(participantID string, err error) string {
	return strings.TrimPrefix(err.Error(), "participant "+participantID+": ")
}

// Unwrap returns why.
func (e *UncheckedError) Unwrap() error { return e.Err }

// A MovedError says that a grant turned out to lead to the account of an older
// connection of the same participant and now serves that one.
type MovedError struct{ ParticipantID, ConnectionID string }

func (e *MovedError) Error() string {
	return fmt.Sprintf("participant %s: the new consent renewed connection %s: run again", e.ParticipantID, e.ConnectionID)
}
