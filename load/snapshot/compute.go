//go:build linux || darwin

package snapshot

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"runtime/debug"
	"slices"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/dexetl/dexetl/extract/fault"
	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
)

// A Span is an interval of somebody's local dates, or the time of a sensor, of which there
// are values.
type Span struct {
	ParticipantID, Scope, Label string
	First, Last                 time.Time // local dates, both inclusive; zero: none
	TakesUnknown                bool      // readings without local time belong to it
	From, To                    time.Time // UTC; first and last value of a sensor; zero: the dates say it
	Values                      int64     // that count
	hash                        int64
	version                     int16
	episodePreset, preset       string
}

// An Episode is a row of the table episodes.
type Episode struct {
	ParticipantID, Kind, Preset  string
	Start, End                   time.Time // UTC
	LocalStart, LocalEnd         time.Time // zero: not known
	DurationMin                  float64
	Values                       int
	ExtremeMgdL, MeanMgdL        float64
	Level                        int
	TruncatedStart, TruncatedEnd bool
}

// A Compute computes what of a snapshot depends on the order of readings. Sessions of db
// have the readings of everybody; due are the spans to compute, by participant: all others
// are as they were. It calls put with the values of each, in the order of
// [github.com/dexetl/dexetl/sql.SpanCatalogue], NaN for null, and with its episodes if its
// scope is participant. Several goroutines may call put at once, which keeps nothing of
// what it is given.
type Compute func(ctx context.Context, db *sql.DB, due []Span, put func(of Span, values []float64, episodes []Episode) error) error

// compute fills the computed tables of the folder, and stores its days, unless it has them.
func (p *publisher) compute(ctx context.Context) error {
	lacks, err := p.lacking()
	if err != nil || lacks == (lacking{}) || p.with == nil {
		return err
	}
	sums, err := p.sumsOfLatest()
	anew := err != nil
	if err := p.willMake(); err != nil {
		return err
	}
	err = p.computeWith(ctx, lacks, sums, anew)
	_, unread := errors.AsType[*duckdb.Error](err)
	if (unread || errors.Is(err, errUnsound)) && p.latest != nil && !anew {
		// What latest has may be damaged where nobody has looked yet.
		err = p.computeWith(ctx, lacks, sums, true)
	}
	return err
}

// errUnsound says that rows that were to be taken from latest are not as they were made.
var errUnsound = errors.New("a computed file is not what was made")

// lacking is what the folder of a snapshot lacks, and can be computed: of a damaged file it
// cannot, which whoever reads it is told.
type lacking struct{ spans, days bool }

func (p *publisher) lacking() (lacks lacking, err error) {
	there, err := hasComputed(p.root, p.folder)
	if err != nil || p.damage.of(episodesTable) != nil {
		return lacking{}, err
	}
	return lacking{spans: !there, days: p.manifest.KeepsDays() && !hasDays(p.root, p.folder)}, nil
}

// computeWith computes with what latest has, or all anew.
func (p *publisher) computeWith(ctx context.Context, lacks lacking, sums latestSums, anew bool) error {
	c := computing{publisher: p, sums: sums, anew: anew}
	if lacks.spans {
		if err := c.inSession(ctx, c.computeSpans); err != nil {
			return err
		}
	}
	fault.Point("snapshot.computed")
	if lacks.days {
		return c.inSession(ctx, c.storeDays)
	}
	return nil
}

// A computing makes the computed tables in sessions.
type computing struct {
	*publisher
	filling
	session *session
	sums    latestSums // of latest
	anew    bool       // nothing is taken from latest
	takes   bool       // something is
}

// inSession does something in a session of its own, which keeps in memory what it made until
// it ends.
func (c *computing) inSession(ctx context.Context, do func(context.Context) error) (err error) {
	debug.FreeOSMemory() // what Go has no use for is room for DuckDB
	if c.session, err = newSession(Limits{}, spillParents(c.lake.Path())...); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.session.Close()) }()
	return c.session.fillWith(ctx, func(f filling) error {
		c.filling = f
		// Files of a month are small: threads that share them wait for each other.
		if err := c.execute(ctx, append(Limits{Threads: 1}.statements(), c.session.spill.statements()...)...); err != nil {
			return err
		}
		return do(ctx)
	})
}

func (c *computing) computeSpans(ctx context.Context) error {
	if err := c.prepare(ctx); err != nil {
		return err
	}
	due, err := c.due(ctx)
	if err != nil {
		return err
	}
	if len(due) > 0 {
		if err := c.fill(ctx, c.with, due); err != nil {
			return err
		}
	}
	// The episodes come last: as long as they are missing, all is computed again.
	if err := c.write(ctx, monthsOfSpans(c.takes)); err != nil {
		return err
	}
	fault.Point("snapshot.spans_written")
	return c.write(ctx, monthsOfEpisodes(c.takes))
}

// prepare creates what is read, what was computed before, and tables for what is new.
func (c *computing) prepare(ctx context.Context) error {
	if err := c.relate(ctx, views.SpanTables()); err != nil {
		return err
	}
	if err := c.addUp(ctx, readingHashes); err != nil {
		return err
	}
	if err := c.findSensors(ctx); err != nil {
		return err
	}
	if err := c.createViews(ctx, views.SpanViews()); err != nil {
		return err
	}
	if err := c.addUp(ctx, sensorScopes); err != nil {
		return err
	}
	statements := []string{"create table scopes as\n" + views.SpanScopes()}
	for _, t := range Computed() {
		statements = append(statements, "create table new_"+t.Name+" as\n"+noRows(t))
	}
	if err := c.execute(ctx, statements...); err != nil {
		return err
	}
	return c.takeOver(ctx)
}

// relate creates tables of the snapshot, each of its files in the order of their rows: of a
// participant's hardly anything is left to sort then.
func (c *computing) relate(ctx context.Context, names []string) error {
	m := c.manifest
	m.Files = slices.Clone(m.Files)
	slices.SortStableFunc(m.Files, func(a, b lake.File) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Day, b.Day), cmp.Compare(a.FirstParticipant, b.FirstParticipant))
	})
	var statements []string
	for _, t := range tables() {
		if !slices.Contains(names, t.Name) {
			continue
		}
		files, err := sources(c.lake, m, t.Name)
		if err != nil {
			return err
		}
		if len(files) == 0 && !lacksDays(t, c.manifest) {
			statements = append(statements, emptyRelation(t))
			continue
		}
		statements = append(statements, relation(t, c.manifest, fileList(files)))
	}
	return c.execute(ctx, statements...)
}

// createViews creates views over them.
func (c *computing) createViews(ctx context.Context, names []string) error {
	chosen := slices.DeleteFunc(views.Views(), func(v views.View) bool { return !slices.Contains(names, v.Name) })
	return c.execute(ctx, append([]string{createSchema}, views.Create(chosen)...)...)
}
