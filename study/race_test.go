//go:build race

package study

const raced = true // the race detector watches
