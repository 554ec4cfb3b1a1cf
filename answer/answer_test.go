//go:build linux || darwin

package answer

import (
	"errors"
	"io"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	duckdb "github.com/duckdb/duckdb-go/v2"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/table"
)

// Where DuckDB has only the error of a thread that was told to stop, why is told all the
// same.
func TestInterruptedIsExplained(t *testing.T) {
	told, times := mapping.ResultError, 0
	t.Cleanup(func() { mapping.ResultError = told })
	mapping.ResultError = func(result *mapping.Result) string {
		message := told(result)
		if strings.Contains(message, "odd row") {
			if times++; times == 1 {
				return "INTERRUPT Error: Interrupted!"
			}
		}
		return message
	}
	l, err := lake.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := &answering{
		Question: Question{Lake: l.Path(), Statement: "select if(i = 9000, error('odd row'), i) from range(10000) t(i)", Format: table.CSV, Memory: 1 << 30},
		spill:    snapshot.NewSpill(l.Path()), out: &timedWriter{to: io.Discard},
	}
	if err := a.over(t.Context(), l, lake.Manifest{}); times != 2 || err == nil || !strings.Contains(err.Error(), "odd row") {
		t.Errorf("asked %d times: %v; want the row's error at the second time", times, err)
	}
}

// A disk without room for the answer, or for what DuckDB puts aside, is no wrong statement.
func TestFullDiskIsNoWrongStatement(t *testing.T) {
	l, err := lake.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, tt := range []struct {
		err   error
		wrong bool
	}{
		{&fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}, false},
		{&duckdb.Error{Type: duckdb.ErrorTypeIO, Msg: "IO Error: Could not write file \"spill\": No space left on device"}, false},
		{&duckdb.Error{Type: duckdb.ErrorTypeIO, Msg: "IO Error: No files found that match the pattern \"x.csv\""}, true},
		{&duckdb.Error{Type: duckdb.ErrorTypeParser, Msg: "Parser Error: syntax error"}, true},
	} {
		got := Explain(t.Context(), l, lake.Manifest{}, tt.err)
		if _, wrong := errors.AsType[*StatementError](got); wrong != tt.wrong || wrong == errors.Is(got, syscall.ENOSPC) {
			t.Errorf("Explain(%v) = %v; a wrong statement: %t, want %t", tt.err, got, wrong, tt.wrong)
		}
	}
}
