package cohort

import "fmt"

// A RowError says that one row of the state cannot be read, though the file is
// whole: a line of the roster, a window or an exclusion.
type RowError struct {
	Table         string
	ParticipantID string // whose; or *, everybody's
	Err           error
}

func (e *RowError) Error() string {
	return fmt.Sprintf("state: the row of participant %s in %s is damaged: %v", e.ParticipantID, e.Table, e.Err)
}

// Unwrap returns what is wrong with it.
func (e *RowError) Unwrap() error { return e.Err }

// rowError names the row that err, if any, is about: its participant was read.
func rowError(table, participantID string, err error) error {
	if err == nil || participantID == "" {
		return err
	}
	return &RowError{table, participantID, err}
}
