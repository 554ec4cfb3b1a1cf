//go:build linux || darwin

package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/state"
	"github.com/dexetl/dexetl/report/figure"
	"github.com/dexetl/dexetl/report/number"
	"github.com/dexetl/dexetl/report/page"
	views "github.com/dexetl/dexetl/sql"
	"github.com/dexetl/dexetl/study"
	"github.com/dexetl/dexetl/table"
)

// A NoRunError says that the study has no such run.
type NoRunError struct{ Name string }

func (e *NoRunError) Error() string {
	if e.Name == LastRun {
		return "nothing was fetched or loaded yet"
	}
	return fmt.Sprintf("there is no run %q", e.Name)
}

// LastRun names the newest run that fetched or loaded.
const LastRun = "last"

// A runAmong is a run, and the id of the one after it: "" if it is the newest.
type runAmong struct {
	state.Run
	before string
}

// findRun is the run with an id, or the last one up to a time: else a *NoRunError.
func findRun(ctx context.Context, s *study.Study, name string, upTo time.Time) (runAmong, error) {
	runs, err := s.Store.Runs(ctx)
	if err != nil {
		return runAmong{}, err
	}
	before := ""
	for _, r := range slices.Backward(runs) {
		if r.ID == name || name == LastRun && r.Command != "connect" && !r.StartedAt.After(upTo) {
			return runAmong{r, before}, nil
		}
		before = r.ID
	}
	return runAmong{}, &NoRunError{name}
}

// writeRun writes the page about the last run before the snapshot was, if there was one.
func (w *work) writeRun(ctx context.Context) error {
	title, p, err := w.aboutRun(ctx, w.lastRun)
	if err != nil {
		return err
	}
	return w.putPage(runPath, title, p)
}

// aboutRun is the page about a run.
func (w *work) aboutRun(ctx context.Context, r runAmong) (title string, p page.Run, err error) {
	past, harm, err := w.Study.Runs(ctx, r.before, 1)
	if err != nil {
		return "", p, err
	}
	p, err = w.runPage(ctx, past[0], harm)
	return "Run of " + r.StartedAt.UTC().Format("2006-01-02 15:04 UTC"), p, err
}

func (w *work) runPage(ctx context.Context, past study.PastRun, harm error) (p page.Run, err error) {
	r := past.Run
	p = page.Run{Command: r.Command, Started: r.StartedAt, Ended: r.EndedAt, Gone: len(w.gone)}
	p.Outcome, p.Good = w.Say.Run(past)
	p.Facts = append(w.runFacts(past), page.Fact{Name: "Run", Text: r.ID})
	if harm != nil {
		p.Facts = append(p.Facts, page.Fact{Name: "Not all is known", Text: harm.Error()})
	}
	p.Failures = w.failures(r.ID)
	if p.Resources, err = w.answersBy(ctx, "Answers by resource", "resource", r.ID); err != nil {
		return p, err
	}
	if p.Participants, err = w.answersBy(ctx, "Answers by participant", "participant_id", r.ID); err != nil {
		return p, err
	}
	p.Rejects, err = w.rejectsOf(ctx, r.ID)
	return p, err
}

// runFacts are the figures of a run.
func (w *work) runFacts(past study.PastRun) []page.Fact {
	r := past.Run
	facts := []page.Fact{{Name: "Version", Text: r.Version}}
	if !r.EndedAt.IsZero() {
		facts = append([]page.Fact{
			{Name: "Took", Text: r.EndedAt.Sub(r.StartedAt).Round(100 * time.Millisecond).String()},
			{Name: "Calls", Text: number.Count(r.Calls)},
		}, facts...)
	}
	if past.Folded && !w.blinded { // else they would say how many alerts and events came
		facts = append([]page.Fact{{Name: "Records", Text: number.Count(past.Records)}, {Name: "Answers", Text: number.Count(past.Answers)}}, facts...)
	}
	if n := len(past.Snapshots); n > 0 {
		said := fmt.Sprint(past.Snapshots[0])
		if n > 1 {
			said += fmt.Sprintf(" to %d", past.Snapshots[n-1])
		}
		facts = append(facts, page.Fact{Name: "Snapshots", Text: said})
	}
	return facts
}

// failures are the participants of whose fetch by the run something is not held.
func (w *work) failures(run string) (all []page.Failure) {
	for _, p := range w.people {
		of := p.Outcome
		if of.RunID != run || of.Error == "" && len(of.Refused) == 0 {
			continue
		}
		f := page.Failure{Participant: p.Who.ID, Resource: of.Resource, Why: reason(p.Who.ID, of), ToDo: w.toDo(p.Person)}
		if f.Why == "" {
			refused := of.Refused[0]
			f.Resource, f.Why = refused.Resource, strings.TrimSpace(fmt.Sprintf("refused (HTTP %d) %s", refused.Status, refused.Words))
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b page.Failure) int { return cmp.Compare(a.Participant, b.Participant) })
	return all
}

// reason is why a fetch failed, without who and what it is about: the page says it beside.
func reason(id string, of cohort.FetchOutcome) string {
	why := of.Error
	for _, said := range []string{of.Resource + ": ", "access token: ", "participant " + id + ": "} {
		why = strings.TrimPrefix(why, said)
	}
	return why
}

// answersBy sums up what a run brought, by a column of requests. Rows by participant are
// of those alone of whom something may be shown.
func (w *work) answersBy(ctx context.Context, name, column, run string) (figure.Table, error) {
	theirs := views.Among("participant_id", idsOf(w.people))
	if w.blinded {
		theirs += " and " + views.Among("resource", study.BlindResources())
	}
	t, err := w.ask(ctx, `select `+column+`, count(*)::bigint, sum(records)::bigint, sum("new")::bigint, sum(changed)::bigint,
	sum(vanished)::bigint, sum(rejected)::bigint, count(*) filter (where outcome = 'held')::bigint
from requests
where run_id = $1 and outcome <> 'erased' and `+theirs+`
group by 1
order by 1`, run)
	return shown(name, strings.TrimSuffix(column, "_id"), t, "answers", "records", "new", "changed", "vanished", "not read", "held back"), err
}

// rejectsOf counts the records of a run that could not be read.
func (w *work) rejectsOf(ctx context.Context, run string) (figure.Table, error) {
	theirs := views.Among("r.participant_id", idsOf(w.people))
	if w.blinded {
		theirs += " and " + views.Among("r.resource", study.BlindResources())
	}
	t, err := w.ask(ctx, `select r.resource || ': ' || r.reason, count(*)::bigint
from rejects r
join requests q on q.request_id = r.request_id
where q.run_id = $1 and `+theirs+`
group by 1
order by 2 desc, 1`, run)
	return shown("Records that could not be read", "resource and reason", t, "records"), err
}

// shown is a table whose first column names the row, and whose others are counts.
func shown(name, first string, t table.Table, counts ...string) figure.Table {
	out := figure.Table{Name: name, Columns: append(figure.Words(first), figure.Numbers(counts...)...)}
	for _, row := range t.Rows {
		texts := make([]string, len(row))
		texts[0] = fmt.Sprint(row[0])
		for i, value := range row[1:] {
			texts[1+i] = number.Count(value.(int64))
		}
		out.Rows = append(out.Rows, texts)
	}
	return out
}
