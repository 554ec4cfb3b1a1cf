//go:build linux || darwin

package snapshot

import (
	"context"
	"errors"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/dexetl/dexetl/load/lake"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/transform"
)

var (
	sensorWorn = sum{name: "sensor_worn_parts", table: "egvs", query: views.SensorWorn()}

	// Of the records without a transmitter those do not count that come while one is worn.
	sensorMarks = sum{name: "sensor_marks", table: "egvs", query: views.SensorMarks(), follows: `select
    p.part,
    sum(hash(n.participant_id, greatest(n.first_time, w.first_time), least(n.last_time, w.last_time)))::varchar,
from parts p
join sensor_worn_parts n
    on n.transmitter_id is null
    and n.first_time >= p.first_time
    and n.last_time <= p.last_time
join sensor_worn w
    on w.participant_id = n.participant_id
    and w.transmitter_id is not null
    and w.first_time <= n.last_time
    and w.last_time >= n.first_time
group by p.part`}

	// A sensor that goes on after the last reading of a part might as well end with it.
	sensorScopes = sum{name: "sensor_scopes", table: "glucose", query: views.SensorScopes(), follows: `select
    p.part,
    sum(hash(w.participant_id, w.session_start, least(w.session_end, p.last_time)))::varchar,
from parts p
join sensor_sessions w
    on w.session_start <= p.last_time
    and w.session_end >= p.first_time
group by p.part`}
)

// sensorSessions is of all of egvs at once.
var sensorSessions = sum{name: "sensor_sessions", table: "egvs", query: views.SensorSessions()}

// sessionsName is the name of the file of sensor_sessions of a snapshot.
func sessionsName(m lake.Manifest) string {
	t, _ := transform.TableNamed(sensorSessions.table)
	return sumName(m, sensorSessions, t, part{files: m.TableFiles(t.Name)}, sensorWorn.query+sensorMarks.query)
}

// sessionsOf are the files of sensor_sessions that a snapshot has: one, or none if this
// program finds sensors by other rules, or if it cannot be read.
func sessionsOf(l *lake.Lake, m lake.Manifest) ([]string, error) {
	name := path.Join(folderOf(m.Snapshot), hashesFolder, sessionsName(m))
	if _, err := columnsOf(l.Root(), name); err != nil {
		return nil, nil
	}
	file, err := absolute(l, name)
	return []string{file}, err
}

// withSessions are views of which sensor_sessions reads files.
func withSessions(all []views.View, files string) []views.View {
	all = slices.Clone(all)
	for i, v := range all {
		if v.Name == sensorSessions.name {
			all[i].Body = views.SessionsFrom("read_parquet(" + files + ", hive_partitioning = false)")
		}
	}
	return all
}

// findSensors creates sensor_sessions, of a file of latest if no record is another.
func (c *computing) findSensors(ctx context.Context) error {
	name, folder := sessionsName(c.manifest), path.Join(c.folder, hashesFolder)
	err := c.within(folder, func(to *os.Root) error {
		linked, err := c.linkHashes(to, name)
		if err != nil || linked {
			return errors.Join(err, c.linkMarks(to))
		}
		if err := c.markSensors(ctx); err != nil {
			return err
		}
		_, err = c.copyTo(ctx, to, folder, name, sensorSessions.query)
		return err
	})
	if err != nil {
		return err
	}
	file, err := absolute(c.lake, path.Join(folder, name))
	if err != nil {
		return err
	}
	return c.execute(ctx, "create table sensor_sessions as\nfrom read_parquet("+text(file)+", hive_partitioning = false)")
}

// markSensors creates sensor_marks: of the records of all parts that are as they were
// nothing is read.
func (c *computing) markSensors(ctx context.Context) error {
	if err := c.addUp(ctx, sensorWorn); err != nil {
		return err
	}
	const whole = `create table sensor_worn as
select participant_id, transmitter_id, min(first_time) as first_time, max(last_time) as last_time,
from sensor_worn_parts
group by participant_id, transmitter_id`
	if err := c.execute(ctx, whole); err != nil {
		return err
	}
	return c.addUp(ctx, sensorMarks)
}

// linkMarks links what sensor_sessions of latest was made of, for the publish with news.
func (c *computing) linkMarks(to *os.Root) error {
	names, err := computedNames(c.root, latestName, hashesFolder)
	for _, name := range names {
		if strings.HasPrefix(name, sensorWorn.name) || strings.HasPrefix(name, sensorMarks.name) {
			_, failed := c.linkHashes(to, name)
			err = errors.Join(err, failed)
		}
	}
	return err
}
