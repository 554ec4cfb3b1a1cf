package study

import (
	"cmp"
	"context"
	"slices"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/raw"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/load"
	"github.com/dexetl/dexetl/load/lake"
	"github.com/dexetl/dexetl/study/config"
)

// tables is the study's state as rows of the lake.
func (s *Study) tables(ctx context.Context) (load.Study, error) {
	people, err := s.Cohort.Participants(ctx)
	if err != nil {
		return load.Study{}, err
	}
	connections, err := s.Consents.Connections(ctx)
	if err != nil {
		return load.Study{}, err
	}
	windows, err := s.Cohort.Windows(ctx)
	if err != nil {
		return load.Study{}, err
	}
	exclusions, err := s.Cohort.Exclusions(ctx)
	if err != nil {
		return load.Study{}, err
	}
	withdrawals, err := s.Cohort.Withdrawals(ctx)
	if err != nil {
		return load.Study{}, err
	}
	runs, err := s.Store.Runs(ctx)
	if err != nil {
		return load.Study{}, err
	}
	trail, err := s.Store.Trail(ctx)
	if err != nil && !is[*state.AuditError](err) { // damage there stops no data; audit verify tells of it
		return load.Study{}, err
	}
	key, err := s.Consents.BoundKey(ctx)
	if err != nil {
		return load.Study{}, err
	}
	erasures, err := s.Cohort.Erasures(ctx)
	if err != nil {
		return load.Study{}, err
	}
	return load.Study{
		Erased:       mapped(erasures, func(e cohort.Erasure) string { return e.ParticipantID }),
		Participants: mapped(people, participantRow), Connections: mapped(connections, connectionRow),
		Windows: mapped(windows, windowRow), Exclusions: mapped(exclusions, exclusionRow), Runs: mapped(runs, runRow),
		Withdrawals: mapped(withdrawals, withdrawalRow), Audit: mapped(trail, auditRow),
		Settings: settingRows(s.Config, key),
	}, nil
}

// settingRows are what of the configuration shapes the tables, and the study's key.
func settingRows(c config.Config, key string) []load.Setting {
	rows := []load.Setting{
		{Key: "study.history", Value: c.Study.History}, {Key: "study.id", Value: c.Study.ID}, {Key: studyKey, Value: key},
	}
	for key, value := range c.Metrics.Settings() {
		rows = append(rows, load.Setting{Key: key, Value: value})
	}
	slices.SortFunc(rows, func(a, b load.Setting) int { return cmp.Compare(a.Key, b.Key) })
	return rows
}

// RefreshTables takes changed study tables into the lake, if there is one. No
// call is made. Damaged data files that it went around are returned.
func (s *Study) RefreshTables(ctx context.Context) (damaged []*lake.DamageError, err error) {
	err = s.reloading(ctx, func(l *loading) error {
		if l.guard == nil {
			s.Tell(Fact{Kind: LoadedLater})
			return nil
		}
		done, err := l.finish(ctx, 0)
		damaged = done.Damaged
		return err
	})
	return damaged, err
}

// reloading readies a loading around work, on behalf of the run that loaded
// last. Into an empty lake nothing is taken.
func (s *Study) reloading(ctx context.Context, work func(*loading) error) error {
	l, m, err := s.Newest()
	if is[*EmptyLakeError](err) {
		return nil
	}
	if err != nil {
		return err
	}
	l.Close()
	log, err := raw.Open(s.RawPath())
	if err != nil {
		return err
	}
	defer log.Close()
	loading, err := s.newLoading(ctx, log, m.Run)
	if err != nil {
		return err
	}
	defer loading.close()
	return work(loading)
}

func mapped[A, B any](in []A, f func(A) B) []B {
	out := make([]B, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

func participantRow(p cohort.Participant) load.Participant {
	return load.Participant{
		ID: p.ID, Site: p.Site, Cohort: p.Cohort, Arm: p.Arm, Status: p.Status,
		StatusDate: p.StatusDate, ConsentDate: p.ConsentDate, AnchorDate: p.AnchorDate,
		StudyStart: p.StudyStart, StudyEnd: p.StudyEnd, Timezone: p.Timezone, Region: p.Region,
	}
}

func connectionRow(c consent.Connection) load.Connection {
	status := string(c.Status)
	if c.Aside && c.Status != consent.Ended {
		status = "set_aside"
	}
	return load.Connection{
		ID: c.ID, ParticipantID: c.ParticipantID, Region: c.Region, AccountHash: c.AccountHash,
		Status: status, ValidFrom: c.ValidFrom, ValidTo: c.ValidTo,
	}
}

func windowRow(w cohort.Window) load.Window {
	return load.Window{
		ParticipantID: w.ParticipantID, Name: w.Name, Start: w.Start, End: w.End,
		StartDay: studyDay(w.StartDay), EndDay: studyDay(w.EndDay),
	}
}

// studyDay is null for 0, which is no study day.
func studyDay(day int) *int32 {
	if day == 0 {
		return nil
	}
	n := int32(day)
	return &n
}

func exclusionRow(e cohort.Exclusion) load.Exclusion {
	return load.Exclusion{ParticipantID: e.ParticipantID, From: e.From, To: e.To, Reason: e.Reason}
}

func withdrawalRow(w cohort.Withdrawal) load.Withdrawal {
	return load.Withdrawal{ParticipantID: w.ParticipantID, EffectiveAt: w.EffectiveAt, RecordedAt: w.RecordedAt}
}

func auditRow(l state.AuditLine) load.AuditLine {
	return load.AuditLine{
		Seq: l.Seq, At: l.At, Who: l.Who, Command: l.Command, Subject: l.Subject, ParticipantID: l.ParticipantID,
		Before: l.Before, After: l.After, Reason: l.Reason, Hash: l.Hash,
	}
}

func runRow(r state.Run) load.Run {
	row := load.Run{
		ID: r.ID, Command: r.Command, StartedAt: r.StartedAt, Ended: r.EndedAt, Version: r.Version,
	}
	if !r.EndedAt.IsZero() {
		code := int32(r.ExitCode)
		row.ExitCode, row.Calls, row.Answers = &code, &r.Calls, &r.Answers
	}
	return row
}
