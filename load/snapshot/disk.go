//go:build linux || darwin

package snapshot

import (
	"errors"
	"fmt"
	"slices"
	"syscall"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// fullBelow is how many bytes are left on a disk on which DuckDB finds no room: it
// writes blocks of 256 kB.
const fullBelow = 1 << 20

// diskErrors are the types of what DuckDB says of the disk: also of an fsync, and of a commit
// that failed, which nobody disputes where one writes.
var diskErrors = []duckdb.ErrorType{duckdb.ErrorTypeIO, duckdb.ErrorTypeFatal, duckdb.ErrorTypeTransaction}

// ofDisk gives what DuckDB says of the disk the system's error, which it does not tell:
// syscall.ENOSPC if little room is left, else syscall.EIO.
func (p *publisher) ofDisk(err error) error {
	said, ok := errors.AsType[*duckdb.Error](err)
	if !ok || !slices.Contains(diskErrors, said.Type) {
		return err
	}
	var disk syscall.Statfs_t
	if syscall.Statfs(p.lake.Path(), &disk) == nil && disk.Bavail*uint64(disk.Bsize) < fullBelow {
		return fmt.Errorf("%w: %w", syscall.ENOSPC, err)
	}
	return fmt.Errorf("%w: %w", syscall.EIO, err)
}
