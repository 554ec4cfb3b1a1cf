//go:build !race

package dexcom

// How much of a thing a hostile answer has.
const (
	hostileMany   = 200_000
	hostileText   = 20 << 20 // bytes
	hostileDigits = 1_000_000
)
