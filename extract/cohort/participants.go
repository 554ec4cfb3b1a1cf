package cohort

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/plain"
	"github.com/dexetl/dexetl/extract/state"
)

// A Participant is a line of the roster and whether fetching is paused. Only
// ID is required. Dates are midnight UTC of a local date; the zero time and ""
// mean that the roster does not say.
type Participant struct {
	ID          string // study pseudonym
	Site        string
	Cohort      string
	Arm         string
	Status      string // screening, screen_failed, enrolled, randomised, completed, withdrawn, lost
	StatusDate  time.Time
	ConsentDate time.Time
	AnchorDate  time.Time // study day 1
	StudyStart  time.Time // first date of the study
	StudyEnd    time.Time // last date of the study, inclusive
	Timezone    string    // IANA name
	Region      string    // us, eu, jp, sandbox
	Paused      bool      // kept here, not in the roster
	DeletedAt   time.Time // and so is this: see Delete; zero: was not
}

// An UnknownParticipantError says that no participant has this id.
type UnknownParticipantError struct {
	ID   string
	Near string // the id that was perhaps meant, or ""

	EmptyRoster bool
}

func (e *UnknownParticipantError) Error() string {
	if e.Near != "" {
		return fmt.Sprintf("unknown participant %q; did you mean %s?", shorten(e.ID), e.Near)
	}
	if e.EmptyRoster {
		return fmt.Sprintf("unknown participant %q: the roster is empty", shorten(e.ID))
	}
	return fmt.Sprintf("unknown participant %q", shorten(e.ID))
}

// Statuses are those that the roster may give.
func Statuses() []string {
	return []string{"screening", "screen_failed", "enrolled", "randomised", "completed", "withdrawn", "lost"}
}

// regions are those that the roster may give.
func regions() []string { return []string{"us", "eu", "jp", "sandbox"} }

var participantID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// CheckID says what keeps id from being a participant's pseudonym, nil for
// nothing. It is the check of every door: an id that passes is no path, no
// glob and no SQL.
func CheckID(id string) error {
	if participantID.MatchString(id) {
		return nil
	}
	reason := "not an id: letters, digits, _ and -, at most 64, beginning with a letter or digit"
	if id == "" {
		reason = "is empty"
	}
	return &LineError{Column: "participant_id", Value: id, Reason: reason}
}

// reservedID matches ids that nobody new may have, in any case: devices, which
// are no file names on Windows, values that readers of CSV take for none or for
// a truth, and words of the command line.
var reservedID = regexp.MustCompile(`(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9]|na|nan|none|null|true|false|all|last|latest|list|revoke)$`)

// checkNew is check for a participant who is not in the roster yet. Whoever is
// keeps the id.
func (p Participant) checkNew() []LineError {
	errs := p.check()
	if reservedID.MatchString(p.ID) {
		errs = append(errs, LineError{Column: "participant_id", Value: p.ID, Reason: "a word with a meaning of its own, which no participant can have as id"})
	}
	return errs
}

// AddParticipant adds one participant. A value the roster would refuse, and an
// id that is there already in any case, is a *LineError.
func (c *Cohort) AddParticipant(ctx context.Context, p Participant) error {
	if errs := p.checkNew(); len(errs) > 0 {
		return &errs[0]
	}
	return c.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		held, err := participantsIn(ctx, tx)
		if err != nil {
			return nil, err
		}
		if i := foldIndex(held, p.ID); i >= 0 {
			return nil, &LineError{Column: "participant_id", Value: p.ID, Reason: thereAlready(p.ID, held[i].ID)}
		}
		return []state.Act{participantAct(Participant{}, p)}, putParticipant(ctx, tx, p)
	})
}

func thereAlready(id, held string) string {
	if id == held {
		return "is there already"
	}
	return "is there already " + writtenAs(held)
}

// Participants lists everybody in order of id.
func (c *Cohort) Participants(ctx context.Context) ([]Participant, error) {
	return participantsIn(ctx, c.Store)
}

// Participant returns one participant; an id that nobody has is an
// *UnknownParticipantError.
func (c *Cohort) Participant(ctx context.Context, id string) (Participant, error) {
	p, err := state.One(ctx, c.Store, scanParticipant, selectParticipants+" where participant_id = ?", id)
	if errors.Is(err, sql.ErrNoRows) {
		return p, c.unknown(ctx, id)
	}
	return p, err
}

// SetPaused says whether fetching leaves a participant out. Who is resumed is deleted no
// more: see Delete. Who is paused while deleted stays so when that is undone.
func (c *Cohort) SetPaused(ctx context.Context, id string, paused bool) error {
	return c.edit(ctx, id, func(tx *sql.Tx, p *Participant) error {
		p.Paused = paused
		switch {
		case !p.Deleted():
			return nil
		case paused:
			_, err := tx.ExecContext(ctx, "update deletions set was_paused = 1 where participant_id = ?", id)
			return err
		}
		return endDeletion(ctx, tx, p)
	})
}

// Edit changes a participant's line of the roster, as do says. A value that the roster
// would refuse is a *LineError; an id that nobody has, an *UnknownParticipantError.
func (c *Cohort) Edit(ctx context.Context, id string, do func(*Participant)) error {
	return c.edit(ctx, id, func(tx *sql.Tx, p *Participant) error {
		do(p)
		if errs := p.check(); len(errs) > 0 {
			return &errs[0]
		}
		return putParticipant(ctx, tx, *p)
	})
}

// edit changes a participant as do does, and whether fetching leaves them out.
func (c *Cohort) edit(ctx context.Context, id string, do func(*sql.Tx, *Participant) error) error {
	err := c.Store.Change(ctx, func(tx *sql.Tx) ([]state.Act, error) {
		before, err := state.One(ctx, tx, scanParticipant, selectParticipants+" where participant_id = ?", id)
		if err != nil {
			return nil, err
		}
		after := before
		if err := do(tx, &after); err != nil || after == before {
			return nil, err
		}
		_, err = tx.ExecContext(ctx, "update participants set paused = ? where participant_id = ?", after.Paused, id)
		return []state.Act{participantAct(before, after)}, err
	})
	if errors.Is(err, sql.ErrNoRows) {
		return c.unknown(ctx, id)
	}
	return err
}

func (c *Cohort) unknown(ctx context.Context, id string) error {
	all, err := c.Participants(ctx)
	if err != nil {
		return err
	}
	return Unknown(id, all)
}

// Unknown says that none of all has the id.
func Unknown(id string, all []Participant) *UnknownParticipantError {
	return &UnknownParticipantError{ID: id, Near: nearestID(id, all), EmptyRoster: len(all) == 0}
}

// nearestID is the id that differs in case or in one letter, or "".
func nearestID(id string, all []Participant) string {
	for _, most := range []int{0, 1} {
		i := slices.IndexFunc(all, func(p Participant) bool {
			return plain.Distance(strings.ToLower(p.ID), strings.ToLower(shorten(id))) <= most
		})
		if i >= 0 {
			return all[i].ID
		}
	}
	return ""
}

// check lists what is wrong with p.
func (p Participant) check() []LineError {
	var errs []LineError
	note := func(column, value, reason string) {
		errs = append(errs, LineError{Column: column, Value: value, Reason: reason})
	}
	var id *LineError
	if errors.As(CheckID(p.ID), &id) {
		errs = append(errs, *id)
	}
	if p.Status != "" && !slices.Contains(Statuses(), p.Status) {
		note("status", p.Status, "not one of "+strings.Join(Statuses(), ", "))
	}
	if p.Region != "" && !slices.Contains(regions(), p.Region) {
		note("region", p.Region, "not one of "+strings.Join(regions(), ", "))
	}
	if reason := checkZone(p.Timezone); p.Timezone != "" && reason != "" {
		note("timezone", p.Timezone, reason)
	}
	if !p.StudyEnd.IsZero() && p.StudyEnd.Before(p.StudyStart) {
		note("study_end", textTime(p.StudyEnd, dateLayout), "before study_start "+textTime(p.StudyStart, dateLayout))
	}
	return errs
}

// foldIndex finds id in list regardless of case, -1 for not at all.
func foldIndex(list []Participant, id string) int {
	return slices.IndexFunc(list, func(p Participant) bool { return strings.EqualFold(p.ID, id) })
}

// A rosterColumn is a column of the roster, and of its table, beside participant_id.
type rosterColumn struct {
	name  string
	value any // *string or *time.Time, a date
}

func (p *Participant) columns() []rosterColumn {
	return []rosterColumn{{"site", &p.Site}, {"cohort", &p.Cohort}, {"arm", &p.Arm}, {"status", &p.Status},
		{"status_date", &p.StatusDate}, {"consent_date", &p.ConsentDate}, {"anchor_date", &p.AnchorDate},
		{"study_start", &p.StudyStart}, {"study_end", &p.StudyEnd}, {"timezone", &p.Timezone}, {"region", &p.Region}}
}

// text is the value as it is stored.
func (c rosterColumn) text() string {
	if day, ok := c.value.(*time.Time); ok {
		return textTime(*day, dateLayout)
	}
	return *c.value.(*string)
}

const selectParticipants = `select participant_id, paused, deleted_at, site, cohort, arm, status, status_date, consent_date,
	anchor_date, study_start, study_end, timezone, region from participants left join deletions using (participant_id)`

func participantsIn(ctx context.Context, q state.Querier) ([]Participant, error) {
	return state.Collect(ctx, q, scanParticipant, selectParticipants+" order by participant_id")
}

func scanParticipant(row func(...any) error) (Participant, error) {
	var p Participant
	into := []any{&p.ID, &p.Paused, state.Instant(&p.DeletedAt)}
	for _, c := range p.columns() {
		if day, ok := c.value.(*time.Time); ok {
			c.value = textual{day, dateLayout}
		}
		into = append(into, c.value)
	}
	err := row(into...)
	return p, rowError("participants", p.ID, err)
}

// putParticipant writes p's line of the roster and leaves the paused flag of
// a participant who is there already.
func putParticipant(ctx context.Context, tx *sql.Tx, p Participant) error {
	values := []any{p.ID, p.Paused}
	for _, c := range p.columns() {
		values = append(values, c.text())
	}
	_, err := tx.ExecContext(ctx, `
		insert into participants (participant_id, paused, site, cohort, arm, status, status_date, consent_date,
			anchor_date, study_start, study_end, timezone, region)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		on conflict (participant_id) do update set
			site = excluded.site, cohort = excluded.cohort, arm = excluded.arm, status = excluded.status,
			status_date = excluded.status_date, consent_date = excluded.consent_date,
			anchor_date = excluded.anchor_date, study_start = excluded.study_start,
			study_end = excluded.study_end, timezone = excluded.timezone, region = excluded.region`, values...)
	return err
}
