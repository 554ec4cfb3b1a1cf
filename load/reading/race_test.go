//go:build race

package reading

// raced says that the race detector watches, which makes all several times as slow:
// then less of the same is tested. make torture has the whole of it.
const raced = true
