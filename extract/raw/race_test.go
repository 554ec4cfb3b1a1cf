//go:build race

package raw

// raced says that the race detector watches.
const raced = true
