package cgmfile

import "math"

// A Reading is one row of a file.
type Reading struct {
	ID     string
	Line   int     // of the file, from 1
	Time   int64   // UTC in µs since 1970; the wall clock where HasOffset is false
	Offset int32   // seconds by which the wall clock is ahead of UTC
	Value  float64 // mg/dL; NaN for none

	HasOffset bool // the time was written with its offset
}

// Values outside are codes with which devices say that there is no glucose, or
// errors. No sensor shows less than 39 or more than 501.
const (
	leastMgdL = 20
	mostMgdL  = 600
)

// Plausible reports whether value, in mg/dL, may be glucose: from 20 to 600.
func Plausible(value float64) bool { return value >= leastMgdL && value <= mostMgdL }

// no is the value of a reading that has none.
func no() float64 { return math.NaN() }
