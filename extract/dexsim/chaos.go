package dexsim

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Chaos says what goes wrong. The zero value: nothing beyond the lateness,
// edits and deletions that ordinary people cause.
type Chaos struct {
	Kinds Kinds

	RecordRate float64       // share of records with an anomaly; 0: 0.03
	FaultRate  float64       // share of questions that meet faults; 0: 0.3
	MaxFaults  int           // faults before a question is answered; 0: 2
	RetryAfter time.Duration // what a 429 asks for, in whole seconds; 0: 1 s
	Slow       time.Duration // pause in the middle of a slow answer; 0: 2 s
	Huge       int64         // bytes of a huge answer, plain; 0: 300 MB
}

func (c Chaos) withDefaults() Chaos {
	c.RecordRate = cmp.Or(c.RecordRate, 0.03)
	c.FaultRate = cmp.Or(c.FaultRate, 0.3)
	c.MaxFaults = cmp.Or(c.MaxFaults, 2)
	c.RetryAfter = cmp.Or(c.RetryAfter, time.Second)
	c.Slow = cmp.Or(c.Slow, 2*time.Second)
	c.Huge = cmp.Or(c.Huge, 300e6)
	return c
}

// Kinds is a set of things that go wrong, one bit each.
type Kinds uint64

// Has reports whether all of k are in the set.
func (s Kinds) Has(k Kinds) bool { return s&k == k }

// String lists the names in s, comma-separated, as ParseChaos reads them.
func (s Kinds) String() string {
	if s == 0 {
		return "none"
	}
	var names []string
	for _, n := range kindNames() {
		if s.Has(n.kind) {
			names = append(names, n.name)
		}
	}
	return strings.Join(names, ",")
}

// Anomalies of the data. Which records they befall depends on the seed alone.
const (
	Plural         Kinds = 1 << iota // plural recordType in some answers
	NoTransmitter                    // transmitterId empty or missing
	NoUnit                           // unit missing or empty
	NoValue                          // value missing, null or, in events, empty
	ExerciseMinus                    // exercise of "-1.00" minutes
	HealthValue                      // health event with a value
	NoSubtype                        // insulin or exercise without subtype
	Note                             // eventType note for notes
	NumericValue                     // event value as a JSON number
	NoUploadDate                     // device without lastUploadDate
	DoubleSettings                   // an alert name twice in a schedule; snooze 28; negative fall
	OddSchedules                     // times such as 0:00, 10:30 PM, 31:00; empty days
	CapitalTrigger                   // SecondaryTriggerCondition, and no isDefaultSchedule
	NoSeconds                        // times without seconds
	Millis                           // times with milliseconds, trailing zeros cut
	OffsetSeconds                    // offsets such as -06:59:58
	Zoneless                         // mobile times without offset
	ZReceiver                        // receiver times with Z, displayTime equal to systemTime
	Future                           // a clock 3 h ahead for the last 5 days of a person's data
	Ticks                            // transmitterTicks 0; sensors with ticks above 2^32
	Enums                            // values outside the documentation
	Nulls                            // null or absent status, trend, value with a status
	ExtraFields                      // fields nobody knows, in records and envelopes
	TextNumbers                      // numbers as text
	Reconnect                        // the same reading under a second recordId
	BadRecords                       // records that cannot be read, beside the good ones
	Late                             // phones offline for up to two weeks
	Edit                             // more events changed later
	Delete                           // more events deleted later
	Move                             // events changed later with another systemTime
	Vanish                           // records that are gone later
	Revise                           // EGVs whose value is another one later
	Return                           // records that are gone later, and back some days after
	Outage                           // two days of some people's records are gone for 40 hours
	Wander                           // calibrations and alerts that are a month or two earlier later
)

// Faults of the transport. A question (user, resource and window) meets at
// most MaxFaults of them before it is answered.
const (
	TooMany      Kinds = 1 << (iota + 40) // 429: Retry-After in seconds, as a date, none
	ServerError                           // 500, 502, 503 or 504 with HTML
	Unauthorized                          // 401: the access token is revoked in mid-run
	HTML                                  // 200 with a login page
	Cut                                   // half a body
	CutGzip                               // half a gzip stream
	ContentType                           // 200 and JSON that claims to be text/html
	Envelope                              // 200 and JSON without the envelope
	Slow                                  // a pause in the middle of the body
	Reset                                 // connection reset in the middle of the body
	Huge                                  // a body that goes on and on
	Empty                                 // egvs once without records although the oldest or the newest is among them
	InvalidGrant                          // a good refresh token refused once
)

type namedKind struct {
	name string
	kind Kinds
}

func kindNames() []namedKind {
	return []namedKind{
		{"plural", Plural}, {"no-transmitter", NoTransmitter}, {"no-unit", NoUnit}, {"no-value", NoValue},
		{"exercise-minus", ExerciseMinus}, {"health-value", HealthValue}, {"no-subtype", NoSubtype}, {"note", Note},
		{"numeric-value", NumericValue}, {"no-upload-date", NoUploadDate}, {"double-settings", DoubleSettings},
		{"odd-schedules", OddSchedules}, {"capital-trigger", CapitalTrigger}, {"no-seconds", NoSeconds},
		{"millis", Millis}, {"offset-seconds", OffsetSeconds}, {"zoneless", Zoneless}, {"z-receiver", ZReceiver},
		{"future", Future}, {"ticks", Ticks}, {"enums", Enums}, {"nulls", Nulls}, {"extra-fields", ExtraFields},
		{"text-numbers", TextNumbers}, {"reconnect", Reconnect}, {"bad-records", BadRecords}, {"late", Late},
		{"edit", Edit}, {"delete", Delete}, {"move", Move}, {"vanish", Vanish}, {"revise", Revise},
		{"return", Return}, {"outage", Outage}, {"wander", Wander},
		{"429", TooMany}, {"5xx", ServerError}, {"401", Unauthorized}, {"html", HTML}, {"cut", Cut},
		{"gzip", CutGzip}, {"content-type", ContentType}, {"envelope", Envelope}, {"slow", Slow}, {"reset", Reset},
		{"huge", Huge}, {"empty", Empty}, {"invalid-grant", InvalidGrant},
	}
}

// Groups of kinds, for tests that want one sort without the other.
const (
	AllData      = Wander<<1 - 1
	AllTransport = (InvalidGrant<<1 - 1) &^ (TooMany - 1)
)

// ParseChaos reads a comma-separated list of kinds. Also understood: all,
// data, transport, and none or nothing at all. An unknown name is an error
// that lists the names.
func ParseChaos(list string) (Chaos, error) {
	var c Chaos
	for name := range strings.SplitSeq(list, ",") {
		kinds, err := parseKind(strings.ToLower(strings.TrimSpace(name)))
		if err != nil {
			return Chaos{}, err
		}
		c.Kinds |= kinds
	}
	return c, nil
}

func parseKind(name string) (Kinds, error) {
	switch name {
	case "", "none":
		return 0, nil
	case "all":
		return AllData | AllTransport, nil
	case "data":
		return AllData, nil
	case "transport":
		return AllTransport, nil
	}
	known := kindNames()
	i := slices.IndexFunc(known, func(n namedKind) bool { return n.name == name })
	if i < 0 {
		return 0, fmt.Errorf("chaos %q is unknown; known: all, data, transport, none, %s", name, AllData|AllTransport)
	}
	return known[i].kind, nil
}

// pick draws at most one of the kinds in choice for the thing keyed by h:
// one anomaly a record keeps the truth about it plain. The second result
// varies the anomaly.
func (c Chaos) pick(h uint64, choice Kinds) (Kinds, uint8) {
	choice &= c.Kinds
	if choice == 0 || share(h) >= c.RecordRate {
		return 0, 0
	}
	h = mix(h)
	return nth(choice, h), uint8(h >> 56)
}

// nth returns one of the kinds in set, which must not be empty.
func nth(set Kinds, h uint64) Kinds {
	var each []Kinds
	for rest := set; rest != 0; rest &= rest - 1 {
		each = append(each, rest&-rest)
	}
	return each[h%uint64(len(each))]
}
