package study

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/schemas"
	"github.com/dexetl/dexetl/table"
)

// SnapshotTable is Snapshots as a table. One whose manifest is damaged has nothing but its
// number.
func SnapshotTable(l *lake.Lake, p Past) (table.Table, error) {
	t := table.Table{Schema: schemas.Snapshots().Schema(), Columns: schemas.Snapshots().Columns()}
	past, err := Snapshots(l, p)
	for _, one := range past {
		m, reissue := one.Manifest, any(nil)
		if one.Issue > 0 {
			reissue = one.Issue
		}
		if one.Damaged {
			t.Rows = append(t.Rows, []any{one.Number, nil, nil, nil, nil, nil, nil, nil, nil, "manifest damaged", orNull(strings.Join(one.Tags, ", ")), reissue, nil})
			continue
		}
		fresh := any(one.NewFiles)
		if one.NewFiles < 0 {
			fresh = nil
		}
		t.Rows = append(t.Rows, []any{one.Number, m.CreatedAt.Truncate(time.Second), orNull(m.Run), orNull(m.Program),
			m.Rows("glucose"), m.Rows("egvs"), len(m.Files), fresh, one.Bytes, one.Folder, orNull(strings.Join(one.Tags, ", ")), reissue, lostOf(l, m)})
	}
	return t, err
}

// lostOf is how many files of a snapshot are known to be lost; nil: none.
func lostOf(l *lake.Lake, m lake.Manifest) any {
	n := 0
	for _, f := range m.Files {
		if f.Damaged != "" {
			n++
		}
	}
	if mark, err := l.Mark(m.Snapshot); err == nil {
		for _, f := range m.Files {
			lost := slices.ContainsFunc(mark.Files, func(d lake.DamagedFile) bool { return d.Path == f.Path })
			if lost && f.Damaged == "" && l.Check(f) != nil { // it may be back from a backup
				n++
			}
		}
	}
	if n == 0 {
		return nil
	}
	return n
}

// RunTable is Runs as a table.
func (s *Study) RunTable(ctx context.Context, before string, limit int) (t table.Table, damage, err error) {
	t = table.Table{Schema: schemas.Runs().Schema(), Columns: schemas.Runs().Columns()}
	past, damage, err := s.Runs(ctx, before, limit)
	for _, r := range past {
		t.Rows = append(t.Rows, s.runCells(r))
	}
	return t, damage, err
}

func (s *Study) runCells(r PastRun) []any {
	outcome, code, calls, answers, records := "ended", any(r.Run.ExitCode), any(r.Run.Calls), any(r.Run.Answers), any(nil)
	if r.Run.EndedAt.IsZero() {
		if outcome, code, calls, answers = "died", nil, nil, nil; r.Alive {
			outcome = "running"
		}
		if r.Folded {
			answers = r.Answers
		}
	}
	if r.Folded {
		records = r.Records
	}
	return []any{r.Run.StartedAt.Truncate(time.Second), r.Run.Command, outcome, code, calls, answers, records,
		orNull(ranges(r.Snapshots)), s.took(r, outcome), r.Run.ID}
}

// took is how long a run took, or has taken until now, in seconds.
func (s *Study) took(r PastRun, outcome string) any {
	switch outcome {
	case "died":
		return nil
	case "running":
		return s.Now().Sub(r.Run.StartedAt).Round(100 * time.Millisecond).Seconds()
	}
	return r.Run.EndedAt.Sub(r.Run.StartedAt).Round(100 * time.Millisecond).Seconds()
}

// ranges writes ascending numbers as 3, or 3-7, or 3-5 8.
func ranges(numbers []int64) string {
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		part := fmt.Sprint(numbers[i])
		if j > i {
			part += fmt.Sprintf("-%d", numbers[j])
		}
		parts, i = append(parts, part), j+1
	}
	return strings.Join(parts, " ")
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
