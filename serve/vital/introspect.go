package vital

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/serve/api"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/study/frozen"
	"github.com/dexetl/dexetl/webhook"
)

// Introspection are the routes that say what was fetched of whom. They show no value, so a
// blinded study has them, too: of glucose. Of notes they tell keys with the right for them.
type Introspection struct {
	API    *api.API
	Reader *frozen.Reader

	turn *api.Turns // one request at a time: each opens the lake, and may use all of the machine
}

// Register adds them.
func (i Introspection) Register() {
	i.turn = api.NewTurns(1, 1)
	read := api.Needs{Scope: access.Read}
	api.Register(i.API, operation("introspect_resources", http.MethodGet, "/v2/introspect/resources", "Which data there are of each participant"), read, i.resources)
	api.Register(i.API, operation("introspect_historical_pull", http.MethodGet, "/v2/introspect/historical_pull",
		"How far the fetching of each participant's past has come"), read, i.historical)
}

type introspectInput struct {
	UserID     uuid.UUID `query:"user_id" format:"uuid" doc:"Of this participant alone"`
	Provider   string    `query:"provider" doc:"dexcom_v3 is all there is"`
	UserLimit  int       `query:"user_limit" minimum:"1" maximum:"500" default:"50" doc:"Participants of a page"`
	Cursor     string    `query:"cursor" doc:"As next_cursor"`
	NextCursor string    `query:"next_cursor" doc:"next_cursor of the page before"`
}

// A UserPage is a page of participants.
type UserPage[T any] struct {
	Data       []T     `json:"data"`
	Next       *string `json:"next" doc:"As next_cursor"`
	NextCursor *string `json:"next_cursor" doc:"For the next page; null: this is the last one"`
}

// UserResources say which data there are of a participant, by provider and resource.
type UserResources struct {
	UserID   string                                `json:"user_id" format:"uuid"`
	Provider map[string]map[string]ResourceSummary `json:"provider"`
}

// A ResourceSummary says which data there are.
type ResourceSummary struct {
	LastAttempt *LastAttempt `json:"last_attempt" doc:"null: nothing was asked yet"`
	OldestData  *string      `json:"oldest_data" format:"date-time"`
	NewestData  *string      `json:"newest_data" format:"date-time"`
	SentCount   *int         `json:"sent_count" doc:"Always null"`
}

// A LastAttempt is the last time that it was asked for.
type LastAttempt struct {
	Timestamp string `json:"timestamp" format:"date-time"`
	Status    string `json:"status" enum:"success,failure"`
}

type resourcesOutput struct{ Body UserPage[UserResources] }

func (i Introspection) resources(ctx context.Context, in *introspectInput) (*resourcesOutput, error) {
	out := &resourcesOutput{}
	next, err := i.each(ctx, in, "resources", func(user string, pulls []study.Pull) {
		one := UserResources{UserID: user, Provider: map[string]map[string]ResourceSummary{}}
		for _, p := range pulls {
			if one.Provider[providerSlug] == nil {
				one.Provider[providerSlug] = map[string]ResourceSummary{}
			}
			one.Provider[providerSlug][nameOf(p.Kind)] = summaryOf(p)
		}
		out.Body.Data = append(out.Body.Data, one)
	})
	out.Body.Next, out.Body.NextCursor = next, next
	return out, err
}

func summaryOf(p study.Pull) ResourceSummary {
	s := ResourceSummary{OldestData: utcOrNull(p.Oldest), NewestData: utcOrNull(p.Newest)}
	if !p.Tried.IsZero() {
		s.LastAttempt = &LastAttempt{utc(p.Tried), "success"}
		if p.Failed() {
			s.LastAttempt.Status = "failure"
		}
	}
	return s
}

// UserPulls say how far the fetching of a participant's past has come, by provider.
type UserPulls struct {
	UserID   string                   `json:"user_id" format:"uuid"`
	Provider map[string]ProviderPulls `json:"provider"`
}

// ProviderPulls are those of a provider, by resource.
type ProviderPulls struct {
	Pulled    map[string]HistoricalPull `json:"pulled"`
	NotPulled []string                  `json:"not_pulled" doc:"What the study does not ask for, of that of which the key may know"`
}

// A HistoricalPull says how far the fetching of the past has come.
type HistoricalPull struct {
	Status       string       `json:"status" enum:"scheduled,in_progress,retrying,success,failure"`
	RangeStart   *string      `json:"range_start" format:"date-time"`
	RangeEnd     *string      `json:"range_end" format:"date-time"`
	Timeline     PullTimeline `json:"timeline"`
	DaysWithData int64        `json:"days_with_data" doc:"UTC"`
	Release      string       `json:"release" doc:"Version of dexetl"`
	TraceID      *string      `json:"trace_id" doc:"Always null"`
	ErrorDetails *string      `json:"error_details"`
}

// A PullTimeline is when a pull began and ended.
type PullTimeline struct {
	ScheduledAt string  `json:"scheduled_at" format:"date-time" doc:"When they were connected"`
	StartedAt   *string `json:"started_at" format:"date-time"`
	EndedAt     *string `json:"ended_at" format:"date-time" doc:"When all of the time before scheduled_at had been asked for"`
}

type historicalOutput struct{ Body UserPage[UserPulls] }

func (i Introspection) historical(ctx context.Context, in *introspectInput) (*historicalOutput, error) {
	out := &historicalOutput{}
	next, err := i.each(ctx, in, "historical_pull", func(user string, pulls []study.Pull) {
		one := UserPulls{UserID: user, Provider: map[string]ProviderPulls{}}
		if len(pulls) > 0 {
			one.Provider[providerSlug] = i.pullsOf(ctx, pulls)
		}
		out.Body.Data = append(out.Body.Data, one)
	})
	out.Body.Next, out.Body.NextCursor = next, next
	return out, err
}

func (i Introspection) pullsOf(ctx context.Context, pulls []study.Pull) ProviderPulls {
	out := ProviderPulls{Pulled: map[string]HistoricalPull{}}
	for _, p := range pulls {
		out.Pulled[nameOf(p.Kind)] = HistoricalPull{
			Status: string(p.Status), RangeStart: utcOrNull(p.From), RangeEnd: utcOrNull(p.To), DaysWithData: p.Days,
			Timeline: PullTimeline{utc(p.Scheduled), utcOrNull(p.Started), utcOrNull(p.Ended)}, Release: i.API.Version, ErrorDetails: textOrNull(p.Error),
		}
	}
	for _, r := range i.resourcesFor(ctx) {
		if _, pulled := out.Pulled[r.name]; !pulled {
			out.NotPulled = append(out.NotPulled, r.name)
		}
	}
	return out
}

// each hands a page of participants to do, with what was fetched of those who are or were
// connected, and returns the cursor of the next page.
func (i Introspection) each(ctx context.Context, in *introspectInput, what string, do func(user string, pulls []study.Pull)) (next *string, err error) {
	people, next, err := i.page(ctx, in, what)
	if err != nil || len(people) == 0 {
		return next, err
	}
	pulls, err := i.pulls(ctx, in, people)
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(people))
	for n, who := range people {
		ids[n] = who.ID
	}
	users, err := i.API.Identities.Users(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		do(users[id].String(), pulls[id])
	}
	return next, nil
}

func (i Introspection) pulls(ctx context.Context, in *introspectInput, chosen []cohort.Participant) (map[string][]study.Pull, error) {
	if in.Provider != "" && in.Provider != providerSlug {
		return nil, nil
	}
	end, err := i.turn.Take(ctx)
	if err != nil {
		return nil, err
	}
	defer end()
	people, harm := i.API.Study.People(ctx, chosen)
	if err := study.UnlessData(harm); err != nil {
		return nil, err
	}
	var kinds []string
	for _, r := range i.resourcesFor(ctx) {
		kinds = append(kinds, r.kind)
	}
	pulls, err := i.API.Study.Pulls(ctx, people, kinds)
	return pulls, cmp.Or(err, i.hide(ctx, pulls))
}

// hide leaves out those whose withdrawal the newest snapshot does not have yet. It is asked
// after reading: else what is recorded meanwhile would be too late.
func (i Introspection) hide(ctx context.Context, pulls map[string][]study.Pull) error {
	f, err := i.Reader.Newest()
	if is[*study.EmptyLakeError](err) {
		return nil
	}
	if err != nil {
		return err
	}
	overtaken, err := f.Overtaken(ctx)
	for _, id := range overtaken {
		delete(pulls, id)
	}
	return err
}

// resourcesFor are those of which the key of a request may know what there is.
func (i Introspection) resourcesFor(ctx context.Context) []resource {
	blinded, notes := i.API.Blinded(ctx), api.KeyOf(ctx).Rights.Notes
	return slices.DeleteFunc(resources(), func(r resource) bool {
		return blinded && !study.ShownBlinded(r.kind) || r.name == webhook.Note && !notes
	})
}

// page is a page of participants, by id.
func (i Introspection) page(ctx context.Context, in *introspectInput, what string) (people []cohort.Participant, next *string, err error) {
	if in.UserID != uuid.Nil {
		who, err := i.API.Person(ctx, in.UserID)
		return []cohort.Participant{who}, nil, err
	}
	all, err := i.API.Users(ctx)
	if err != nil {
		return nil, nil, err
	}
	after, list := "", strings.Join([]string{what, in.Provider}, "\x00")
	for _, c := range []struct{ parameter, text string }{{"cursor", in.Cursor}, {"next_cursor", in.NextCursor}} {
		if c.text == "" {
			continue
		}
		at, err := api.ParseCursor(c.parameter, list, c.text)
		if err != nil {
			return nil, nil, err
		}
		after = at.Last
	}
	for _, who := range all {
		if who.ID > after {
			people = append(people, who)
		}
	}
	if len(people) > in.UserLimit {
		people = people[:in.UserLimit]
		cursor := api.NextCursor(list, api.Cursor{Last: people[in.UserLimit-1].ID})
		next = &cursor
	}
	return people, next, nil
}

// nameOf is Vital's name of a kind of records.
func nameOf(kind string) string {
	for _, r := range resources() {
		if r.kind == kind {
			return r.name
		}
	}
	return kind
}

func utcOrNull(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := utc(t)
	return &text
}
