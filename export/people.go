//go:build linux || darwin

package export

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/study"
)

// A person is somebody whose rows are exported, with the local dates that are, as metrics
// have them.
type person struct {
	id, name    string
	first, last sql.NullTime
	zone        sql.NullString
	shiftDays   int
}

// findPeople lists whom the order is about and the snapshot knows. Left out are those of
// whom nothing may be handed over any more: they have withdrawn, and the snapshot may have
// rows of after that, or a program deleted them.
func (w *work) findPeople(ctx context.Context) (leftOut []string, err error) {
	if err := w.findWithdrawn(ctx); err != nil {
		return nil, err
	}
	gone, err := w.gone(ctx)
	if err != nil {
		return nil, err
	}
	statement, args := w.Chosen.Scopes()
	rows, err := w.db.QueryContext(ctx, "select s.participant_id, s.first_date, s.last_date, i.timezone\nfrom ("+statement+
		") s\nleft join study_intervals i on i.participant_id = s.participant_id\norder by s.participant_id", args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p person
		if err := rows.Scan(&p.id, &p.first, &p.last, &p.zone); err != nil {
			return nil, err
		}
		if slices.Contains(gone, p.id) {
			leftOut = append(leftOut, p.id)
			continue
		}
		w.people = append(w.people, p)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(w.people) == 0 {
		return leftOut, &NobodyError{LeftOut: leftOut}
	}
	w.cut.whole = w.Chosen.Participants == nil && !w.cut.dated && !w.cut.deid
	w.cut.all = w.cut.whole && len(leftOut) == 0
	return leftOut, nil
}

// A NobodyError says that an export would be of nobody.
type NobodyError struct {
	LeftOut []string // who would have been in it
}

func (e *NobodyError) Error() string {
	if len(e.LeftOut) > 0 {
		return "nothing may be exported of those who are chosen, because they have withdrawn or were deleted: " + study.ShortList(e.LeftOut)
	}
	return "the snapshot has nobody of those who are chosen"
}

// A GoneError says that people withdrew or were deleted while they were exported.
type GoneError struct{ IDs []string }

func (e *GoneError) Error() string {
	return "nothing was exported: meanwhile these have withdrawn or were deleted: " + study.ShortList(e.IDs)
}

// checkGone finds out once more whether everybody may be handed over.
func (w *work) checkGone(ctx context.Context) error {
	gone, err := w.gone(ctx)
	if err != nil {
		return err
	}
	var among []string
	for _, p := range w.people {
		if slices.Contains(gone, p.id) {
			among = append(among, p.id)
		}
	}
	if len(among) > 0 {
		return &GoneError{among}
	}
	return nil
}

// findWithdrawn notes whose withdrawal the snapshot has, and from when on.
func (w *work) findWithdrawn(ctx context.Context) error {
	w.withdrawn = map[string]time.Time{}
	rows, err := w.db.QueryContext(ctx, "select participant_id, effective_at from withdrawals")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var at time.Time
		if err := rows.Scan(&id, &at); err != nil {
			return err
		}
		w.withdrawn[id] = at
	}
	return rows.Err()
}

// gone are those of whom the snapshot may not be handed over any more.
func (w *work) gone(ctx context.Context) ([]string, error) { return w.Study.Gone(ctx, w.withdrawn) }

// rename gives everybody the name and the dates of a de-identified export.
func (w *work) rename(ctx context.Context) error {
	if !w.Deid {
		for i, p := range w.people {
			w.people[i].name = p.id
		}
		return nil
	}
	trail, err := readable(ctx, w.Study)
	if err != nil {
		return err
	}
	key, err := currentKey(w.Study.StatePath(), w.NewNames, trail, w.Study.Now())
	if err != nil {
		return err
	}
	w.key = key
	names := map[string]bool{}
	for i, p := range w.people {
		w.people[i].name, w.people[i].shiftDays = key.Name(p.id), 7*key.Weeks(p.id, w.ShiftWeeks)
		if names[w.people[i].name] {
			return &KeyError{Path: KeyFile, Why: "two people would have one name: give new ones, with --new-names"}
		}
		names[w.people[i].name] = true
	}
	return nil
}

// putPeople makes the tables of people and sensors.
func (w *work) putPeople(ctx context.Context) error {
	rows := make([]string, len(w.people))
	for i, p := range w.people {
		zone := "null"
		if p.zone.Valid {
			zone = text(p.zone.String)
		}
		rows[i] = fmt.Sprintf("(%s, %s, %d::integer, %s, %s, %s::varchar)", text(p.id), text(p.name), p.shiftDays, date(p.first), date(p.last), zone)
	}
	seen := "select null::varchar as participant_id, null::date as first_seen, null::date as last_seen"
	if w.cut.moved && slices.ContainsFunc(w.chosen, func(r relation) bool { return ofStudyDays(r.Name) }) {
		seen = "select participant_id, min(local_date) as first_seen, max(local_date) as last_seen from glucose group by participant_id"
	}
	return w.execute(ctx, "create table "+peopleTable+" as select p.*, seen.first_seen, seen.last_seen from (values "+strings.Join(rows, ", ")+
		") as p (participant_id, name, shift_days, first_date, last_date, zone) left join ("+seen+") seen on seen.participant_id = p.participant_id")
}

func date(t sql.NullTime) string {
	if !t.Valid {
		return "null::date"
	}
	return "date '" + t.Time.Format(time.DateOnly) + "'"
}

// putSensors gives transmitters other names, where they are to have them.
func (w *work) putSensors(ctx context.Context) error {
	var sources []string
	for _, r := range w.chosen {
		switch {
		case !w.Deid || !r.has(sensorColumn):
		case r.Version > 0 && len(r.Key) > 0: // a table
			sources = append(sources, "select distinct participant_id, transmitter_id from "+quoted(r.Name))
		default: // views of sensors have those of egvs
			sources = append(sources, "select distinct participant_id, transmitter_id from egvs")
		}
	}
	if len(sources) == 0 {
		return nil
	}
	slices.Sort(sources)
	rows, err := w.db.QueryContext(ctx, strings.Join(slices.Compact(sources), " union ")) // each of them once
	if err != nil {
		return err
	}
	defer rows.Close()
	found := []string{"(null, null, null)"}
	for rows.Next() {
		var of string
		var id sql.NullString
		if err := rows.Scan(&of, &id); err != nil {
			return err
		}
		if id.Valid {
			found = append(found, "("+text(of)+", "+text(id.String)+", "+text(w.key.sensor(of, id.String))+")")
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return w.execute(ctx, "create table "+sensorsTable+" as from (values "+strings.Join(found, ", ")+") as s (participant_id, transmitter_id, name)")
}
