package dexsim

import (
	"iter"
	"time"
)

// A Truth is what the API would serve of one user now, read correctly: text
// as sent, numbers as numbers. Every slice is in order of system time.
type Truth struct {
	User, ParticipantID, Kind string
	EGVs                      []EGV
	Events                    []Event
	Calibrations              []Calibration
	Alerts                    []Alert
	Devices                   []Device
	Rejects                   []Reject
}

// Common is what all windowed records have. Empty text: absent, null or
// empty, which mean the same.
type Common struct {
	RecordID      string
	SystemTime    time.Time // UTC by the device's clock
	DisplayTime   time.Time // the wall clock, as if it were UTC
	OffsetSeconds *int      // sent with displayTime; nil: none was
	TransmitterID string
	Ticks         *int64 // seconds; nil for events and alerts, which have none
	Generation    string
	Variant       string
	Device        string
	App           string
	Extra         string // JSON object of the fields nobody knows; empty: none
}

// An EGV is one estimated glucose value as sent.
type EGV struct {
	Common
	Value    *float64 // mg/dL
	Unit     string
	Status   string
	Trend    string
	Rate     *float64 // mg/dL/min
	RateUnit string
	Served   time.Time // when the API began to serve it
	Moment   int       // EGVs of a user with the same Moment are one reading sent more than once
	Shadowed bool      // an EGV of a sensor that was started earlier is at most 150 s away
	session  int16
}

// An Event is an entry made by the person, in the state served now.
type Event struct {
	Common
	Type, SubType       string
	Value               *string // exactly as sent, the text of notes too; nil: null or absent
	Unit                string
	Status              string
	RecordedSystemTime  time.Time
	RecordedDisplayTime time.Time
}

// A Calibration is a fingerstick value.
type Calibration struct {
	Common
	Value *float64 // mg/dL
	Unit  string
}

// An Alert is one change of an alert's state.
type Alert struct {
	Common
	Name, State string
}

// A Device is what the devices endpoint says of one display device.
type Device struct {
	LastUpload    time.Time // UTC; zero: not sent
	TransmitterID string
	Generation    string
	Variant       string
	Device        string
	App           string
	Extra         string // JSON object of the fields nobody knows
	Schedules     []Schedule
}

// A Schedule is one of a device's alert schedules.
type Schedule struct {
	Name               string
	Enabled            bool
	Default            *bool // nil: not sent
	Start, End         string
	Days               []string
	Active             *bool
	OverrideEnabled    *bool // nil: no override
	OverrideMode       string
	OverrideEnd        string
	Settings           []Setting
	triggerWithCapital bool
}

// A Setting is one alert of a schedule.
type Setting struct {
	Name             string
	Value            *int
	Unit             string
	SnoozeMin        *int
	Enabled          bool
	SystemTime       time.Time
	DisplayTime      time.Time // wall clock as if it were UTC
	OffsetSeconds    *int
	DelayMin         *int
	SecondaryTrigger *int // mg/dL
	SoundTheme       string
	SoundOutputMode  string
}

// A Reject is a record that no reader can make sense of.
type Reject struct {
	Resource string
	Reason   string    // unreadable systemTime, no systemTime, not an object
	Raw      string    // as sent
	At       time.Time // its place among the others, which no reader can know
}

// Truth yields, user by user, what a client that has asked for everything
// must hold now. Users are generated as they are reached and not kept.
func (s *Server) Truth() iter.Seq[Truth] {
	return func(yield func(Truth) bool) {
		now := s.now()
		for _, p := range s.people {
			if !yield(s.viewOf(p, now).truth()) {
				return
			}
		}
	}
}

// TruthOf is the truth about one user; ok is false if there is no such user.
func (s *Server) TruthOf(user string) (t Truth, ok bool) {
	p := s.person(user)
	if p == nil {
		return Truth{}, false
	}
	return s.viewOf(p, s.now()).truth(), true
}

func (v view) truth() Truth {
	t := Truth{User: v.person.name, ParticipantID: v.person.participantID, Kind: v.person.kind.name, Devices: v.devices()}
	for _, resource := range []string{"egvs", "events", "calibrations", "alerts"} {
		_, entry := v.entries(resource)
		for _, x := range v.hits(resource, everything) {
			e := entry(x.index)
			if bad := e.written(x.at).how.bad; bad != readable {
				t.Rejects = append(t.Rejects, v.reject(resource, bad, x.at, e))
				continue
			}
			e.tell(v, &t)
		}
	}
	v.shadow(t.EGVs)
	return t
}

func (e *egv) tell(v view, t *Truth) {
	r, _ := v.egv(e)
	t.EGVs = append(t.EGVs, r)
}

func (r *record) tell(v view, t *Truth) { r.state(v).tell(t) }

func (e *Event) tell(t *Truth)       { t.Events = append(t.Events, *e) }
func (c *Calibration) tell(t *Truth) { t.Calibrations = append(t.Calibrations, *c) }
func (a *Alert) tell(t *Truth)       { t.Alerts = append(t.Alerts, *a) }

// shadow marks, among EGVs in order of time, those that are near one of another
// transmitter whose sensor was started earlier.
func (v view) shadow(egvs []EGV) {
	const near = 150 * time.Second
	for i := range egvs {
		for j := i + 1; j < len(egvs) && egvs[j].SystemTime.Sub(egvs[i].SystemTime) <= near; j++ {
			a, b := egvs[i].session, egvs[j].session
			if v.sensors[a].transmitter != v.sensors[b].transmitter {
				egvs[i].Shadowed = egvs[i].Shadowed || b < a
				egvs[j].Shadowed = egvs[j].Shadowed || a < b
			}
		}
	}
}

func (v view) reject(resource string, bad badKind, at int64, e entry) Reject {
	reasons := [...]string{badTime: "unreadable systemTime", missingTime: "no systemTime", notAnObject: "not an object"}
	var w writer
	e.write(v, &w)
	return Reject{Resource: resource, Reason: reasons[bad], Raw: string(w.b), At: utc(at)}
}
