//go:build !race

package load

// How much of a thing a hostile answer has.
const (
	hostileMany  = 100_000
	hostileNames = 300_000
)
