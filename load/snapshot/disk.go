//go:build linux || darwin

package snapshot

import (
	"errors"
	"fmt"
	"syscall"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// fullBelow is how many bytes are left on a disk on which DuckDB finds no room: it
// writes blocks of 256 kB.
const fullBelow = 1 << 20

// ofDisk gives what DuckDB says of the disk the system's error, which it does not tell:
// syscall.ENOSPC if little room is left, else syscall.EIO.
func (p *publisher) ofDisk(err error) error {
	said, ok := errors.AsType[*duckdb.Error](err)
	if !ok || said.Type != duckdb.ErrorTypeIO && said.Type != duckdb.ErrorTypeFatal { // of an fsync that failed
		return err
	}
	var disk syscall.Statfs_t
	if syscall.Statfs(p.lake.Path(), &disk) == nil && disk.Bavail*uint64(disk.Bsize) < fullBelow {
		return fmt.Errorf("%w: %w", syscall.ENOSPC, err)
	}
	return fmt.Errorf("%w: %w", syscall.EIO, err)
}
