//go:build linux || darwin

package snapshot

import (
	"context"

	views "github.com/dexetl/dexetl/sql"
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

// findSensors creates sensor_sessions: of the records of all parts that are as they were
// nothing is read.
func (c *computing) findSensors(ctx context.Context) error {
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
	if err := c.addUp(ctx, sensorMarks); err != nil {
		return err
	}
	return c.execute(ctx, "create table sensor_sessions as\n"+views.SensorSessions())
}
