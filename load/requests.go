package load

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/dexetl/dexetl/load/lake"
)

// largeRequests is how many bytes a file of requests has that is not joined.
const largeRequests = 16 << 20

// writeRequests writes a row for every answer of the step. The table is in the
// order of time, so that a commit adds a file to its month rather than
// rewriting one; when a month has too many small files they become one.
func (s *step) writeRequests(ctx context.Context) error {
	months := make(map[string]*rows)
	for _, a := range s.answers {
		m := month(instant(a.AskedAt))
		if months[m] == nil {
			months[m] = newRows(s.loader.Mem, "requests")
		}
		months[m].row(a.requestRow()...)
	}
	for _, m := range slices.Sorted(maps.Keys(months)) {
		batch := months[m].batch()
		err := s.appendRequests(ctx, m, batch)
		batch.Release()
		if err != nil {
			return err
		}
	}
	if n := len(s.answers); n > 0 {
		s.counted("requests", Counts{Added: n})
	}
	return nil
}

func (a *answer) requestRow() []any {
	var did Counts // to the resource's own table
	if c := a.counts[a.Resource]; c != nil {
		did = *c
	}
	outcome, reason := "applied", ""
	switch {
	case a.Erased:
		outcome = erasedOutcome
	case a.held != nil:
		outcome, reason = "held", a.held.Error()
	}
	start, end := a.WindowStart, a.WindowEnd
	if a.Resource == "dataRange" {
		start = a.LastSync
	}
	return []any{
		a.RequestID, a.RunID, a.ParticipantID, a.ConnectionID, a.Resource, a.Beat, start, end, a.AskedAt, a.ServerDate,
		int32(a.Status), a.Length, a.SHA256, int64(a.Records),
		int64(did.Added), int64(did.Changed + did.Restored), int64(did.Vanished + did.Withheld + did.Contradicted), int64(a.batch.Rejected),
		a.Position.String(), outcome, reason, a.confirms(),
	}
}

func (s *step) appendRequests(ctx context.Context, month string, batch arrow.RecordBatch) error {
	t := shapeNamed("requests")
	joined := s.requestsToJoin(month)
	held, err := readAll(ctx, s.loader.Lake, joined, lake.ReadOptions{})
	if err != nil {
		return err
	}
	defer releaseAll(held)
	from := append(sources{batch}, held...)
	picks := from.picks(nil)
	from.sort(picks, t.order)
	rows := from.gather(s.loader.Mem, t.schema, picks)
	defer rows.Release()
	f, err := s.writeFile(t, month, rows)
	if err != nil {
		return err
	}
	s.commit.Replace(joined, f)
	return nil
}

// requestsToJoin returns the files of a month that become one with what is added:
// smaller ones first, for they need not be neighbours. They are read whole, so large
// ones stay.
func (s *step) requestsToJoin(month string) (files []lake.File) {
	units := []*unit{{dirty: true}}
	for _, f := range s.parent.TableFiles("requests") {
		if f.Partition == month && f.Bytes < largeRequests && f.Damaged == "" {
			units = append(units, &unit{files: []lake.File{f}})
		}
	}
	if len(units) <= s.loader.layout.maxFiles {
		return nil
	}
	slices.SortStableFunc(units, func(a, b *unit) int { return cmp.Compare(a.rows(), b.rows()) })
	from, to := cheapestRun(units, s.loader.layout, func(*unit) bool { return true })
	for _, u := range units[from:to] {
		files = append(files, u.files...)
	}
	return files
}

// writeFile writes one file.
func (s *step) writeFile(t shape, partition string, rows arrow.RecordBatch) (lake.File, error) {
	w, err := s.commit.Create(t.Table, partition, "")
	if err != nil {
		return lake.File{}, err
	}
	if err := w.Write(rows); err != nil {
		return lake.File{}, errors.Join(fmt.Errorf("table %s: %w", t.Name, err), w.Abort())
	}
	return w.Close()
}
