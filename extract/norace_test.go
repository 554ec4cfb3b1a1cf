//go:build !race

package extract

// Raced says that the race detector watches.
const Raced = false
