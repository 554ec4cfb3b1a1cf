//go:build linux || darwin

package snapshot

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// fullBelow is how many bytes are left on a disk on which DuckDB finds no room: it
// writes blocks of 256 kB.
const fullBelow = 1 << 20

// diskErrors are the types of what DuckDB says of the disk: also of an fsync, and of a commit
// that failed, which nobody disputes where one writes.
var diskErrors = []duckdb.ErrorType{duckdb.ErrorTypeIO, duckdb.ErrorTypeFatal, duckdb.ErrorTypeTransaction}

// OfDisk gives what DuckDB says of the disk the system's error, which it does not tell:
// syscall.ENOSPC if the text says so or little room is left where folder is, else syscall.EIO.
func OfDisk(folder string, err error) error {
	said, ok := errors.AsType[*duckdb.Error](err)
	if !ok || !slices.Contains(diskErrors, said.Type) {
		return err
	}
	var disk syscall.Statfs_t
	little := syscall.Statfs(folder, &disk) == nil && disk.Bavail*uint64(disk.Bsize) < fullBelow
	if little || strings.Contains(strings.ToLower(said.Msg), syscall.ENOSPC.Error()) {
		return fmt.Errorf("%w: %w", syscall.ENOSPC, err)
	}
	return fmt.Errorf("%w: %w", syscall.EIO, err)
}
