//go:build race

package dexcom

// A tenth of what it is otherwise, and still beyond every limit of a record: the race
// detector makes all ten times as slow. make torture has the whole of it.
const (
	hostileMany   = 20_000
	hostileText   = 2 << 20
	hostileDigits = 100_000
)
