//go:build !race

package load

const raced = false

// How much of a thing a hostile answer has, and how many histories there are.
const (
	hostileMany    = 100_000
	hostileNames   = 300_000
	hostileBytes   = 20 << 20
	hostileDevices = 900
	hostileMonths  = 190
	hostileTexts   = 2_000

	checks = "5"
	others = 6 // resources that come after each
	tables = 1 // of so many tables one is damaged
)
