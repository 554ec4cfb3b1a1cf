//go:build race

package consent

const raced = true // the race detector watches
