//go:build linux || darwin

package snapshot

import (
	"errors"
	"fmt"
	"syscall"
	"testing"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/dexetl/dexetl/load/lake"
)

// DuckDB's errors of the disk are the system's to whoever asks.
func TestErrorsOfTheDisk(t *testing.T) {
	l, err := lake.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	full := &duckdb.Error{Type: duckdb.ErrorTypeIO, Msg: "IO Error: Could not write file: No space left on device"} // another one
	if got := OfDisk(l.Path(), full); !errors.Is(got, syscall.ENOSPC) || errors.Is(got, syscall.EIO) {
		t.Errorf("OfDisk(%v) = %v, want ENOSPC", full, got)
	}
	for _, tt := range []struct {
		err  error
		disk bool
	}{
		{&duckdb.Error{Type: duckdb.ErrorTypeIO, Msg: "IO Error: Could not write file"}, true},
		{fmt.Errorf("dexetl.duckdb: %w", &duckdb.Error{Type: duckdb.ErrorTypeFatal, Msg: "FATAL Error: fsync failed!"}), true},
		{&duckdb.Error{Type: duckdb.ErrorTypeTransaction, Msg: "TransactionContext Error: Failed to commit: Cannot open file"}, true},
		{&duckdb.Error{Type: duckdb.ErrorTypeBinder, Msg: "Binder Error"}, false},
		{syscall.EACCES, false},
	} {
		got := OfDisk(l.Path(), tt.err)
		if errors.Is(got, syscall.EIO) != tt.disk || !errors.Is(got, tt.err) {
			t.Errorf("OfDisk(%v) = %v, want EIO: %t", tt.err, got, tt.disk)
		}
	}
}
