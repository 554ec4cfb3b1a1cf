package webhook

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// A Subject is whom events are about.
type Subject struct {
	Study       uuid.UUID // team_id
	User        uuid.UUID // user_id; zero: nobody
	Participant string    // client_user_id
	Cohort      string
}

// envelope is what all events have in common.
type envelope struct {
	EventType    string     `json:"event_type"`
	UserID       *uuid.UUID `json:"user_id"`
	ClientUserID *string    `json:"client_user_id"`
	TeamID       uuid.UUID  `json:"team_id"`
	Data         any        `json:"data"`
}

// body is an event of a kind about s.
func (s Subject) body(kind string, data any) ([]byte, error) {
	e := envelope{EventType: kind, TeamID: s.Study, Data: data}
	if s.User != uuid.Nil {
		e.UserID, e.ClientUserID = &s.User, &s.Participant
	}
	return json.Marshal(e)
}

// NewEvent is an event of a kind about s, which a part tells from others of its
// snapshot.
func (s Subject) NewEvent(snapshot int64, kind, part string, at time.Time, data any) (Event, error) {
	body, err := s.body(kind, data)
	return Event{
		ID: EventID(s.Study, snapshot, kind, s.Participant, part), Kind: kind, Participant: s.Participant, Cohort: s.Cohort,
		Snapshot: snapshot, Body: body, At: at,
	}, err
}

// MaxBody is how long the body of an event gets at most, as Standard Webhooks advises,
// unless a single sample is longer.
const MaxBody = 20_000

// Parts gathers the samples of one kind about one subject into events that are no
// longer than MaxBody.
type Parts struct {
	Of       Subject
	Kind     string
	Source   any
	Snapshot int64
	At       time.Time
	Put      func(Event) error

	samples []json.RawMessage
	bytes   int
	parts   int
}

// group is the data of an event of samples.
type group struct {
	Source any               `json:"source"`
	Data   []json.RawMessage `json:"data"`
}

// enveloped is what the rest of an event takes, about and at most: the identifier of a
// participant has at most 64 bytes.
const enveloped = 500

// Add adds a sample.
func (p *Parts) Add(sample any) error {
	text, err := json.Marshal(sample)
	if err != nil {
		return err
	}
	if len(p.samples) > 0 && enveloped+p.bytes+len(text)+1 > MaxBody {
		if err := p.End(); err != nil {
			return err
		}
	}
	p.samples, p.bytes = append(p.samples, text), p.bytes+len(text)+1
	return nil
}

// End puts what was gathered.
func (p *Parts) End() error {
	if len(p.samples) == 0 {
		return nil
	}
	e, err := p.Of.NewEvent(p.Snapshot, p.Kind, partName(p.parts), p.At, group{p.Source, p.samples})
	if err != nil {
		return err
	}
	p.samples, p.bytes, p.parts = nil, 0, p.parts+1
	return p.Put(e)
}
