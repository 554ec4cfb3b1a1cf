package consent

import (
	"errors"
	"fmt"
	"testing"

	"github.com/dexetl/dexetl/extract/cohort"
)

// What Finish, Arrive and Answer return is one ending, however it is wrapped.
func TestEndingOf(t *testing.T) {
	kept := Found{Connection: Connection{ID: "C1", ParticipantID: "P001"}}
	whose := Found{Connection: Connection{ParticipantID: "P001"}}
	for _, tt := range []struct {
		found Found
		err   error
		want  Ending
	}{
		{kept, nil, EndedConnected},
		{kept, errors.New("the log is full"), EndedConnected},
		{whose, &UncheckedError{}, EndedUnchecked},
		{kept, &AccountInUseError{}, EndedWrongAccount},
		{kept, &OtherAccountError{}, EndedWrongAccount},
		{whose, &OwnerError{}, EndedWrongAccount},
		{whose, &AskError{}, EndedAsked},
		{whose, &NotConfirmedError{}, EndedNotConfirmed},
		{whose, &StateError{StateExpired}, EndedRefused},
		{whose, &cohort.WithdrawnError{}, EndedRefused},
		{whose, &DeniedError{}, EndedDenied},
		{whose, &CodeError{}, EndedFailed},
		{whose, &NoCallError{}, EndedFailed},
		{Found{}, errors.New("no disk"), EndedFailed},
	} {
		for _, err := range []error{tt.err, errors.Join(tt.err, errors.New("and more"))} {
			if tt.err == nil {
				err = nil
			}
			if got := EndingOf(tt.found, err); got != tt.want {
				t.Errorf("EndingOf(%+v, %T) = %s, want %s", tt.found.Connection.ID, err, got, tt.want)
			}
			if err != nil && EndingOf(tt.found, fmt.Errorf("participant P001: %w", err)) != tt.want {
				t.Errorf("%T, wrapped, ends otherwise", err)
			}
		}
	}
}
