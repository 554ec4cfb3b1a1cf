// Package dexsim is a Dexcom of our own: the Developer API v3 with its OAuth
// endpoints, a cohort of people who wear sensors, and everything that goes
// wrong between them. It serves the demo, the tests and `dexetl simulate`.
//
// It imports nothing of this module, least of all the client it is there to
// test: a wrong JSON tag must fail a test and not agree with itself.
//
// # How it works
//
// A [Server] is an http.Handler made by [New] from a [Config]. Its users are
// persons: P001 and on, generated from the seed and their index alone, so
// that a person is the same in every cohort; and one for each replayed
// [Series]. Kinds of users take turns (see kinds in people.go): G7, G6, G7 15
// Day, ONE and ONE+, on phones, on a receiver, on both at once, with two
// sensors for a day, on a journey. The last of five or more has no data.
//
// A person is cheap; their history, which is every record their devices will
// ever make, is generated when somebody asks and may be dropped again:
//
//	sensors.go   sessions, warm-up, gaps
//	glucose.go   a life: meals, nights, exercise, and the glucose they cause
//	egvs.go      readings of the sensors, and what each device makes of them
//	events.go    what the person entered; alerts.go: what sounded
//	uploads.go   when a record reaches Dexcom
//
// What can be seen of a history at an instant is a view: records that were
// uploaded long enough ago, in the state they then are in. Views answer
// requests (answers.go, encode.go) and tell the [Truth].
//
// # Chaos
//
// [Chaos] switches on what was seen in the wild, each by its name. Anomalies
// of the data are drawn for a record when its history is made, at most one a
// record, and are part of the truth: Truth says what a reader must understand
// of the odd shape, and which records nobody can read. Faults of the transport
// (faults.go) befall a question, which is a user, resource and window, a
// limited number of times, so that whoever asks again ends with everything.
// Two of them need more than asking again at once: an empty answer must not be
// believed the first time, and a refused refresh is worth another try.
//
// # Time
//
// The only clock is Config.Now. Data exist before Config.End; let Now lag
// behind End and move, and the study goes on day by day.
package dexsim
