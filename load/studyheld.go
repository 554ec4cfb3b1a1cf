package load

import (
	"context"
	"time"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/load/lake"
)

// asHeld returns study with what the fold asks of it as snapshot m has it: what was
// recorded since, and is not taken in yet, says nothing of the rows of m.
func (l *Loader) asHeld(ctx context.Context, study Study, m lake.Manifest) (Study, error) {
	held, err := l.heldWithdrawals(ctx, study, m)
	if err != nil {
		return study, err
	}
	study.Withdrawals, study.Participants, study.Exclusions, study.Connections = nil, nil, nil, nil
	for _, w := range held {
		study.Withdrawals = append(study.Withdrawals, w)
	}
	take := map[string]func(row){
		"participants": func(r row) {
			study.Participants = append(study.Participants, Participant{
				ID: r.str("participant_id"), Site: r.str("site"), Cohort: r.str("cohort"), Arm: r.str("arm"), Status: r.str("status"),
				StatusDate: r.date("status_date"), ConsentDate: r.date("consent_date"), AnchorDate: r.date("anchor_date"),
				StudyStart: r.date("study_start"), StudyEnd: r.date("study_end"), Timezone: r.str("timezone"), Region: r.str("region"),
			})
		},
		"exclusions": func(r row) {
			study.Exclusions = append(study.Exclusions, Exclusion{r.str("participant_id"), r.time("from_local"), r.time("to_local"), r.str("reason")})
		},
		"connections": func(r row) {
			study.Connections = append(study.Connections, Connection{
				r.str("connection_id"), r.str("participant_id"), r.str("region"), r.str("account_hash"), r.str("status"),
				r.time("valid_from"), r.time("valid_to"),
			})
		},
	}
	for table, add := range take {
		for r, err := range eachRow(ctx, l.Lake, table, m.TableFiles(table)) {
			if err != nil {
				return study, err
			}
			add(r)
		}
	}
	return study, nil
}

// date is the midnight of a date; zero where there is none.
func (r row) date(column string) time.Time {
	dates := r.batch.Column(r.place[column]).(*array.Date32)
	if dates.IsNull(r.at) {
		return time.Time{}
	}
	return dates.Value(r.at).ToTime()
}
