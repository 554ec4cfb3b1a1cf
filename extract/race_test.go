//go:build race

package extract

// Raced says that the race detector watches, which makes all several times as slow: then
// less of the same is tested. make test has the whole of it without the detector.
const Raced = true
