//go:build linux || darwin

package snapshot

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/dexetl/dexetl/extract/fault"
	views "github.com/dexetl/dexetl/sql"
)

// A Span is an interval of somebody's local dates of which there are values.
type Span struct {
	ParticipantID, Scope, Label string
	First, Last                 time.Time // local dates, both inclusive; zero: none
	TakesUnknown                bool      // readings without local time belong to it
	values, hash                int64
	version                     int16
	episodePreset               string
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
// are as they were. It returns the values of each, in the order of
// [github.com/dexetl/dexetl/sql.SpanCatalogue], NaN for null, and the episodes of those
// due whose scope is participant.
type Compute func(ctx context.Context, db *sql.DB, due []Span) (values [][]float64, episodes []Episode, err error)

// compute fills the computed tables of the folder, unless it has them.
func (p *publisher) compute(ctx context.Context) error {
	there, err := p.has(path.Join(p.folder, computedFile(episodesTable)))
	if err != nil || there || p.with == nil {
		return err
	}
	if p.damage.of(episodesTable) != nil {
		return nil // whoever reads them is told
	}
	s, err := newSession(Limits{}, spillParents(p.lake.Path())...)
	if err != nil {
		return err
	}
	db := sql.OpenDB(s) // closes the session
	c := computing{publisher: p, db: db, session: s}
	return errors.Join(c.run(ctx), db.Close())
}

// computedFile is the file of a computed table, from the folder of a snapshot.
func computedFile(table string) string { return path.Join(table, table+".parquet") }

// A computing makes the computed tables in a session.
type computing struct {
	*publisher
	db      *sql.DB
	session *session
	conn    driver.Conn // may write, unlike those of db
}

func (c *computing) run(ctx context.Context) (err error) {
	if c.conn, err = c.session.Connector.Connect(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.conn.Close()) }()
	if err := c.prepare(ctx); err != nil {
		return err
	}
	due, err := c.due(ctx)
	if err != nil {
		return err
	}
	values, episodes, err := c.with(ctx, c.db, due)
	if err != nil {
		return err
	}
	if err := errors.Join(c.appendSpans(due, values), c.appendEpisodes(episodes)); err != nil {
		return err
	}
	// The episodes come last: as long as they are missing, all is computed again.
	if err := c.write(ctx, spansTable); err != nil {
		return err
	}
	fault.Point("snapshot.spans_written")
	return c.write(ctx, episodesTable)
}

func (c *computing) execute(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := c.conn.(driver.ExecerContext).ExecContext(ctx, s, nil); err != nil {
			return err
		}
	}
	return nil
}

// prepare creates what is read, what was computed before, and tables for what is new.
func (c *computing) prepare(ctx context.Context) error {
	statements := append(Limits{}.statements(), c.session.spill.statements()...)
	for _, t := range tables() {
		if !slices.Contains(views.SpanTables(), t.Name) {
			continue
		}
		files, err := sources(c.lake, c.manifest, t.Name)
		if err != nil {
			return err
		}
		if len(files) == 0 && !lacksDays(t, c.manifest) {
			statements = append(statements, emptyRelation(t))
			continue
		}
		statements = append(statements, relation(t, c.manifest, fileList(files)))
	}
	chosen := slices.DeleteFunc(views.Views(), func(v views.View) bool { return !slices.Contains(views.SpanViews(), v.Name) })
	statements = append(statements, createSchema)
	statements = append(statements, views.Create(chosen)...)
	statements = append(statements, "create table scopes as\n"+views.SpanScopes())
	for _, t := range Computed() {
		statements = append(statements, "create table new_"+t.Name+" as\n"+noRows(t))
	}
	if err := c.execute(ctx, statements...); err != nil {
		return err
	}
	return c.takeOver(ctx)
}

// due lists the spans that are new or changed.
func (c *computing) due(ctx context.Context) (found []Span, err error) {
	rows, err := c.db.QueryContext(ctx, `from scopes s
anti join kept k on `+fmt.Sprintf(sameSpan, "s", "k")+`
select participant_id, scope, label, first_date, last_date, takes_unknown, n_values, readings_hash, metrics_version, episode_preset
order by participant_id, scope, label, first_date`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s Span
		var first, last sql.NullTime
		if err := rows.Scan(&s.ParticipantID, &s.Scope, &s.Label, &first, &last, &s.TakesUnknown, &s.values, &s.hash, &s.version, &s.episodePreset); err != nil {
			return nil, err
		}
		s.First, s.Last = first.Time, last.Time
		found = append(found, s)
	}
	return found, rows.Err()
}

// appendTo fills a table with rows.
func (c *computing) appendTo(table string, n int, row func(i int) []driver.Value) (err error) {
	rows, err := duckdb.NewAppenderFromConn(c.conn, "", "new_"+table)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for i := range n {
		if err := rows.AppendRow(row(i)...); err != nil {
			return err
		}
	}
	return nil
}

func (c *computing) appendSpans(due []Span, values [][]float64) error {
	return c.appendTo(spansTable, len(due), func(i int) []driver.Value {
		s := due[i]
		row := []driver.Value{s.ParticipantID, s.Scope, s.Label, orNull(s.First), orNull(s.Last), s.values, s.hash, s.version, s.episodePreset}
		for _, v := range values[i] {
			if v != v {
				row = append(row, nil)
			} else {
				row = append(row, v)
			}
		}
		return row
	})
}

func (c *computing) appendEpisodes(episodes []Episode) error {
	return c.appendTo(episodesTable, len(episodes), func(i int) []driver.Value {
		e := episodes[i]
		return []driver.Value{
			e.ParticipantID, e.Kind, orNull(e.LocalStart), orNull(e.LocalEnd), e.Start, e.End, int64(e.Values),
			e.MeanMgdL, int16(e.Level), false, e.TruncatedStart, e.TruncatedEnd, e.Preset, e.ExtremeMgdL, e.DurationMin,
		}
	})
}

func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// write writes what is new of a table and what is as it was, sorted.
func (c *computing) write(ctx context.Context, table string) error {
	kept := "semi join kept k on " + fmt.Sprintf(sameSpan, "o", "k")
	columns, order := "*", "participant_id, scope, label, first_date"
	if table == episodesTable {
		kept = "semi join (from kept where scope = 'participant') k on k.participant_id = o.participant_id"
		// When night is may be another one today, for what is as it was, too.
		columns, order = "* replace ("+views.InNight("start_local")+" as night)", "participant_id, start_utc, kind"
	}
	return c.within(path.Join(c.folder, table), func(to *os.Root) error {
		name, temporary := table+".parquet", "."+table+".parquet"
		if err := to.RemoveAll(temporary); err != nil {
			return err
		}
		file, err := absolute(c.lake, path.Join(c.folder, table, temporary))
		if err != nil {
			return err
		}
		err = c.execute(ctx, fmt.Sprintf("copy (\nselect %[5]s\nfrom (from new_%[1]s union all by name (from old_%[1]s o %[2]s))\norder by %[3]s\n) to %[4]s (format parquet, compression zstd)",
			table, kept, order, text(file), columns))
		if err != nil {
			return err
		}
		if err := settle(to, temporary); err != nil {
			return err
		}
		return to.Rename(temporary, name)
	})
}

// settle makes a file permanent and read-only.
func settle(to *os.Root, name string) error {
	f, err := to.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		err = errors.Join(f.Sync(), f.Chmod(info.Mode().Perm()&publishedMode))
	}
	return errors.Join(err, f.Close())
}
