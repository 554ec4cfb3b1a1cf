package vital

import (
	"context"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/study"
)

// A User is a participant.
type User struct {
	UserID            string            `json:"user_id" format:"uuid"`
	TeamID            string            `json:"team_id" format:"uuid" doc:"Of the study"`
	ClientUserID      string            `json:"client_user_id" doc:"participant_id of the roster"`
	CreatedOn         string            `json:"created_on" format:"date-time" doc:"Since when the API knows them"`
	ConnectedSources  []ConnectedSource `json:"connected_sources"`
	FallbackTimeZone  *FallbackTimeZone `json:"fallback_time_zone" doc:"timezone of the roster; null: it names none"`
	FallbackBirthDate *string           `json:"fallback_birth_date" doc:"Always null: no birth dates are kept"`
	IngestionStart    *string           `json:"ingestion_start" format:"date" doc:"study_start of the roster"`
	IngestionEnd      *string           `json:"ingestion_end" format:"date" doc:"study_end of the roster, inclusive"`
}

// A ConnectedSource is an account that somebody gave access to.
type ConnectedSource struct {
	Provider  Provider `json:"provider"`
	CreatedOn string   `json:"created_on" format:"date-time"`
	Source    Provider `json:"source" doc:"As provider"`
}

// A FallbackTimeZone is the time zone that the roster gives somebody.
type FallbackTimeZone struct {
	ID         string `json:"id" doc:"IANA name"`
	SourceSlug string `json:"source_slug"`
	UpdatedAt  string `json:"updated_at" format:"date-time" doc:"When it was set over the API, else created_on"`
}

// users are participants as Vital has them, in their order.
func (u Users) users(ctx context.Context, people []cohort.Participant) ([]User, error) {
	team, err := u.API.Identities.Study(ctx)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(people))
	for i, who := range people {
		ids[i] = who.ID
	}
	about, err := u.API.Identities.AboutAll(ctx, ids)
	if err != nil {
		return nil, err
	}
	connections, err := u.API.Study.Consents.Connections(ctx)
	if err != nil {
		return nil, err
	}
	grants := make(map[string]consent.Connection)
	for _, c := range connections {
		if !c.Aside {
			grants[c.ParticipantID] = c // the newest counts
		}
	}
	out := make([]User, len(people))
	for i, who := range people {
		out[i] = userOf(who, about[who.ID], grants[who.ID])
		out[i].TeamID = team.String()
	}
	return out, nil
}

// user is one participant.
func (u Users) user(ctx context.Context, who cohort.Participant) (User, error) {
	all, err := u.users(ctx, []cohort.Participant{who})
	if err != nil {
		return User{}, err
	}
	return all[0], nil
}

func userOf(who cohort.Participant, about access.About, c consent.Connection) User {
	user := User{
		UserID: about.User.String(), ClientUserID: who.ID, CreatedOn: utc(about.CreatedAt), ConnectedSources: []ConnectedSource{},
		IngestionStart: dateOf(who.StudyStart), IngestionEnd: dateOf(who.StudyEnd),
	}
	if connected := (study.Person{Connections: []consent.Connection{c}}); c.ID != "" && connected.HasGrant() {
		user.ConnectedSources = append(user.ConnectedSources, ConnectedSource{Provider: dexcom(), CreatedOn: utc(c.CreatedAt), Source: dexcom()})
	}
	if who.Timezone != "" {
		at := about.ZoneAt
		if at.IsZero() {
			at = about.CreatedAt
		}
		user.FallbackTimeZone = &FallbackTimeZone{ID: who.Timezone, SourceSlug: "manual", UpdatedAt: utc(at)}
	}
	return user
}

// dateOf is a date, null for none.
func dateOf(day time.Time) *string {
	if day.IsZero() {
		return nil
	}
	text := day.Format(time.DateOnly)
	return &text
}
