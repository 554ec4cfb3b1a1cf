//go:build race

package load

// raced says that the race detector watches, which makes all several times as slow: then
// less of the same is tested. make test has the whole of it without the detector.
const raced = true

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
