package serve

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// A Status knows how the runs of a Loop go. The zero Status is one before its
// first run; its methods may be called at the same time.
type Status struct {
	// Changed is called after every change, never twice at a time: nil for
	// nobody. It is set before use.
	Changed func(State)
	// Unready says why not everything is served, though the runs go well, "" for nothing; nil:
	// there is no such reason. It is set before use, and asked by each /readyz.
	Unready func(context.Context) string

	mu    sync.Mutex
	state State
}

// A State is a Status at one moment. Times are zero where there was none.
type State struct {
	Running     bool      `json:"running"`
	Runs        int       `json:"runs"` // ended in this process
	Started     time.Time `json:"last_start,omitzero"`
	Ended       time.Time `json:"last_end,omitzero"`
	Succeeded   time.Time `json:"last_success,omitzero"` // end of the newest run with exit code 0
	Next        time.Time `json:"next,omitzero"`
	LastCode    int       `json:"last_exit_code"`
	LastMessage string    `json:"last_message,omitempty"`

	outcome Outcome // of the run that just ended
}

// State returns the present state.
func (s *Status) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state
}

func (s *Status) change(edit func(*State)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	edit(&s.state)
	if s.Changed != nil {
		s.Changed(s.state)
	}
}

func (s *Status) wait(next time.Time) { s.change(func(st *State) { st.Next = next }) }

func (s *Status) begin(at time.Time) {
	s.change(func(st *State) { st.Running, st.Started, st.Next = true, at, time.Time{} })
}

func (s *Status) end(at time.Time, o Outcome) {
	s.change(func(st *State) {
		st.Running, st.Ended, st.outcome = false, at, o
		st.Runs++
		st.LastCode, st.LastMessage = o.Code, o.Message
		if o.Code == 0 {
			st.Succeeded = at
		}
	})
}

// ready says why nothing good is to be expected of the next run, "" for
// nothing: the last one failed for a reason that does not pass by itself.
// helpless are the exit codes of such reasons.
func (s State) ready(helpless []int) string {
	if slices.Contains(helpless, s.LastCode) {
		return fmt.Sprintf("the last run ended with exit code %d: %s", s.LastCode, s.LastMessage)
	}
	return ""
}

// Sentence is the state in one line, for a service manager.
func (s State) Sentence() string {
	switch {
	case s.Running:
		return "running since " + s.Started.UTC().Format(time.RFC3339)
	case s.Next.IsZero():
		return fmt.Sprintf("run ended with exit code %d", s.LastCode)
	case s.Runs == 0:
		return "next run at " + s.Next.UTC().Format(time.RFC3339)
	}
	return fmt.Sprintf("last run ended with exit code %d, next run at %s", s.LastCode, s.Next.UTC().Format(time.RFC3339))
}
