//go:build !linux && !darwin

package main

import _ "embed"

// Locks, owners and modes of files are those of Unix. No file has this name: a
// build for another system ends here, and says why. Files that import DuckDB
// leave it out there, so that it does not end the build with words of its own.
//
//go:embed "dexetl runs on Linux and macOS, and on Windows inside WSL"
var platform string
