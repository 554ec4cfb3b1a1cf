//go:build linux || darwin

package export

import "context"

// A Telling is how many people of an export have data by which whoever knows more can count
// back the weeks that their times were moved.
type Telling struct {
	Recording    int // whose readings go on to the week before the snapshot
	ClockChanges int // whose wall clock changes against UTC: by the calendar, or by a journey
	SameAnchor   int // who have the anchor_date that most of them have; 0: most have none in common
}

// None reports whether there is nobody.
func (t Telling) None() bool { return t == Telling{} }

// telling looks for what nobody can take away without taking the data.
func (w *work) telling(ctx context.Context) (t Telling, err error) {
	if !w.moves() {
		return t, nil
	}
	where := ""
	if w.cut.dated {
		where = " where " + onDay("local_date")
	}
	// Clocks of devices are minutes off; zones are half hours apart, or nearly.
	err = w.db.QueryRowContext(ctx, `select count(*) filter (where last_utc > ?::timestamp - interval 7 day), count(*) filter (where n_offsets > 1) from (
		select max(time_utc) as last_utc, count(distinct round((epoch(local_time) - epoch(time_utc)) / 1800)) as n_offsets
		from glucose r join `+peopleTable+` p on p.participant_id = r.participant_id`+where+`
		group by r.participant_id)`, w.manifest.CreatedAt.UTC()).Scan(&t.Recording, &t.ClockChanges)
	if err != nil {
		return t, err
	}
	err = w.db.QueryRowContext(ctx, `select coalesce(max(n), 0) from (
		select count(*) as n from participants r join `+peopleTable+` p on p.participant_id = r.participant_id
		where anchor_date is not null group by anchor_date)`).Scan(&t.SameAnchor)
	if t.SameAnchor < 2 || 2*t.SameAnchor <= len(w.people) {
		t.SameAnchor = 0
	}
	return t, err
}
