//go:build linux || darwin

package answer

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"syscall"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/load/snapshot"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/table"
)

// reportFD is the file to which the process that answers reports how it ended.
const reportFD = 3

// Report is the file to which Answer reports; ok is false where nobody has asked.
func Report() (to *os.File, ok bool) {
	to = os.NewFile(reportFD, "report")
	_, err := to.Stat()
	return to, err == nil
}

// Answer reads a Question from in, writes the rows to out, reports how it ended, in the
// words of classify, and ends the process. What the snapshot does not have in files is
// computed with a [snapshot.Compute]. It ends before that if a limit is passed, or
// when who asked is gone. The error is that it could not begin.
func Answer(in io.Reader, out io.Writer, report *os.File, with snapshot.Compute, classify func(error) Outcome) error {
	// A core file would hold the readings.
	if err := syscall.Setrlimit(syscall.RLIMIT_CORE, &syscall.Rlimit{}); err != nil {
		return err
	}
	asked := bufio.NewReader(in)
	text, err := asked.ReadBytes('\n')
	if err != nil {
		return err
	}
	var q Question
	if err := json.Unmarshal(text, &q); err != nil {
		return err
	}
	a := &answering{Question: q, spill: snapshot.NewSpill(q.Lake), report: report, with: with, classify: classify, out: &timedWriter{to: out}}
	go a.endWith(asked)
	go func() {
		a.end(limiter{memory: q.Memory, timeout: q.Timeout, output: a.out, rss: residentMemory}.watch())
	}()
	a.end(a.run())
	return nil
}

// An answering is a question being answered.
type answering struct {
	Question
	spill    *snapshot.Spill
	report   *os.File
	with     snapshot.Compute
	classify func(error) Outcome
	out      *timedWriter
	once     sync.Once
}

// end reports err and ends the process, whatever else it is doing.
func (a *answering) end(err error) {
	a.once.Do(func() {
		var said Outcome
		if err != nil {
			said = a.classify(err)
		}
		_ = json.NewEncoder(a.report).Encode(said)
		_ = a.spill.Close() // what is left of it, the next session sweeps
		os.Exit(said.Code)
	})
	select {} // the other one ends the process
}

// endWith ends the process when standard input ends: who asked is gone.
func (a *answering) endWith(in io.Reader) {
	_, _ = io.Copy(io.Discard, in)
	a.end(errors.New("who asked is gone"))
}

func (a *answering) run() error {
	ctx := context.Background() // nothing ends it but the end of the process
	l, err := lake.OpenToRead(a.Lake)
	if err != nil {
		return err
	}
	defer l.Close()
	m, err := l.ManifestOf(a.Snapshot)
	if err != nil {
		return err
	}
	return a.over(ctx, l, m)
}

// over answers over snapshot m.
func (a *answering) over(ctx context.Context, l *lake.Lake, m lake.Manifest) error {
	err := a.ask(ctx, l, m, snapshot.Limits{Memory: duckDBMemory(a.Memory), Spill: a.spill}, a.out)
	if interrupted(err) {
		err = cmp.Or(a.ask(ctx, l, m, snapshot.Limits{Memory: duckDBMemory(a.Memory), Threads: 1}, io.Discard), err)
	}
	return Explain(ctx, l, m, err)
}

// interrupted reports whether err is that of a thread of DuckDB which was told to stop.
// Nobody here does that but another thread that failed, and DuckDB takes the error that
// came first. A single thread has only its own.
func interrupted(err error) bool {
	failed, ok := errors.AsType[*duckdb.Error](err)
	return ok && failed.Type == duckdb.ErrorTypeInterrupt
}

// ask writes the rows to out.
func (a *answering) ask(ctx context.Context, l *lake.Lake, m lake.Manifest, limits snapshot.Limits, out io.Writer) error {
	db, err := snapshot.Open(ctx, l, m, a.with, limits)
	if err != nil {
		return err
	}
	defer db.Close()
	prepared, err := db.PrepareContext(ctx, a.Statement) // what is computed for it is no stream
	if err != nil {
		return err
	}
	stream := snapshot.OpenStream()
	rows, err := prepared.QueryContext(ctx)
	if err != nil {
		return err
	}
	return table.Stream(out, a.Format, table.Screen{Width: a.Width, First: telling(), Prose: []string{"comment", "definition", "reason"}}, schemas.Query().Schema(), rows, stream.Err)
}

// telling are the columns of tables and views that people look at first.
func telling() []string {
	return []string{
		"participant_id", "window_name", "local_time", "display_time", "local_date", "glucose_mgdl", "excluded", "event_type", "value",
		"gap_start", "kind", "gap_min", "gap_end", "session_start", "session_end", "boundary",
		"start_local", "duration_min", "extreme_mgdl", "carbs_g", "baseline_mgdl", "delta_mgdl", "scope", "part",
		"alert_name", "alert_state", "resource", "outcome", "reason", "mean_mgdl", "in_range_pct", "active_window_pct",
		"column_name", "comment", "metric", "definition",
	}
}

// A StatementError is what is wrong with a statement.
type StatementError struct{ Err error }

func (e *StatementError) Error() string { return e.Err.Error() }
func (e *StatementError) Unwrap() error { return e.Err }

// OutOfMemory is a *MemoryError for DuckDB's error of too little memory.
func OutOfMemory(err error) (*MemoryError, bool) {
	failed, ok := errors.AsType[*duckdb.Error](err)
	if !ok || failed.Type != duckdb.ErrorTypeOutOfMemory {
		return nil, false
	}
	line, _, _ := strings.Cut(failed.Msg, "\n") // the rest is advice that nobody can follow here
	return &MemoryError{line}, true
}

// Explain tells a damaged file, a *lake.DamageError, too little memory, a *MemoryError, and
// what the system says of a file or the disk, from a wrong statement, which is a
// *StatementError.
func Explain(ctx context.Context, l *lake.Lake, m lake.Manifest, err error) error {
	var sameName *table.SameNameError
	var damage *lake.DamageError
	if short, ok := OutOfMemory(err); ok {
		return short
	}
	if err == nil || errors.As(err, &sameName) {
		return err
	}
	if explained := snapshot.Explain(ctx, l, m, err); errors.As(explained, &damage) || errors.Is(err, context.Canceled) {
		return explained
	}
	if said := snapshot.OfDisk("", err); ofSystem(said) {
		return said
	}
	return &StatementError{err}
}

// ofSystem reports whether a file could not be written, or the disk has no room for what DuckDB
// puts aside.
func ofSystem(err error) bool {
	_, file := errors.AsType[*fs.PathError](err)
	return file || errors.Is(err, syscall.ENOSPC)
}
