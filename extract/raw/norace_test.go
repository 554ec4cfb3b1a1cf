//go:build !race

package raw

const raced = false
