package cgmfile

// A Reading is one row of a file.
type Reading struct {
	ID        string
	HasOffset bool // the time was written with its offset
	Sample
}

// A Sample is what a row says of its person.
type Sample struct {
	Time   int64   // UTC in µs since 1970; the wall clock of a time without offset
	Value  float64 // mg/dL; NaN for none
	Offset int32   // seconds by which the wall clock is ahead of UTC
	Line   int32   // of the file, from 1; the largest int32 beyond
}

// Values outside are codes with which devices say that there is no glucose, or
// errors. No sensor shows less than 39 or more than 501.
const (
	leastMgdL = 20
	mostMgdL  = 600
)

// Plausible reports whether value, in mg/dL, may be glucose: from 20 to 600.
func Plausible(value float64) bool { return value >= leastMgdL && value <= mostMgdL }
