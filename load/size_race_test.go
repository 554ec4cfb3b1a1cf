//go:build race

package load

// A small part of what it is otherwise: the race detector makes all ten times as
// slow. make torture has the whole of it.
const (
	hostileMany    = 3_000
	hostileNames   = 10_000
	hostileBytes   = 2 << 20
	hostileDevices = 30
	hostileMonths  = 19
	hostileTexts   = 500

	checks = "2"
	others = 2
	tables = 3 // of so many tables one is damaged
)
