package consent

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dexetl/dexetl/extract/state"
)

// answering answers every POST for a user, "" for everybody, in these words.
func (s *study) answering(user string, status int, body string) {
	s.with(func() {
		s.fail = func(w http.ResponseWriter, r *http.Request) bool {
			if user != "" && s.refresh[r.PostFormValue("refresh_token")] != user {
				return false
			}
			w.WriteHeader(status)
			w.Write([]byte(body))
			return true
		}
	})
}

// A refusal in any words is told in these; once it has lasted for 36 hours while
// others are renewed the person has to consent again, and one good answer before
// that resets it.
func TestRefusalInAnyWords(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		words  string
	}{
		{400, `{"error":"invalid_request","error_description":"offline session is gone"}`, "400 Bad Request: invalid_request: offline session is gone"},
		{401, `{"error":{"code":17,"message":"who?"}}`, "401 Unauthorized: who?"},
		{403, "<html><b>no</b>", "403 Forbidden: no"},
		{404, "", "404 Not Found"},
		{200, `{"error":"no_session"}`, "200 without tokens: no_session"},
		{400, `{"error":"unauthorized_client"}`, "unauthorized_client"}, // of an app that others are renewed with
		{400, "\xef\xbb\xbf" + `{"error":{"type":"Invalid_Grant"}}`, "Invalid_Grant"},
	} {
		t.Run(tt.words, func(t *testing.T) {
			s, g := newStudy(t, "P001", "P002")
			id, other := s.imported(g, "P001"), s.imported(g, "P002")
			s.answering("user of P001", tt.status, tt.body)
			hours := func(n int) (err error) {
				for range n {
					s.add(time.Hour)
					if _, err := g.Token(t.Context(), other); err != nil {
						t.Fatalf("Token of somebody else = %v", err)
					}
					_, err = g.Token(t.Context(), id)
				}
				return err
			}
			doubtful := func(err error) {
				t.Helper()
				if e, ok := asError[*AuthSuspectError](err); !ok || e.Said != tt.words || !strings.Contains(err.Error(), tt.words) {
					t.Fatalf("Token = %v, want *AuthSuspectError that says %q", err, tt.words)
				}
			}
			doubtful(hours(12))
			s.with(func() { s.fail = nil })
			if err := hours(10); err != nil {
				t.Fatalf("Token once it is accepted = %v", err)
			}
			if c := pairOf(t, g, id).Connection; c.Status != state.Connected || !c.RefusedSince.IsZero() || c.RefusedSaid != "" || c.Unclear {
				t.Errorf("connection %+v once it is accepted, want no doubt", c)
			}
			s.answering("user of P001", tt.status, tt.body)
			err := hours(2)
			first := pairOf(t, g, id).RefusedSince
			for !errors.As(err, new(*NeedsReconsentError)) {
				doubtful(err)
				if s.clock().Sub(first) > believedAfter+20*time.Hour {
					t.Fatalf("refused since %s and at %s not believed yet", first, s.clock())
				}
				err = hours(1)
			}
			if lasted := s.clock().Sub(first); lasted < 30*time.Hour {
				t.Errorf("believed after %s", lasted)
			}
			c := pairOf(t, g, id).Connection
			if e, _ := asError[*NeedsReconsentError](err); e.Said != tt.words || c.Status != state.NeedsReconsent || c.RefusedSaid != tt.words || !c.RefusedSince.Equal(first) {
				t.Errorf("Token = %v, connection %+v; want that consent is needed, since %s, because of %q", err, c, first, tt.words)
			}
			trail, err := g.Store.Trail(t.Context())
			if last := trail[len(trail)-1]; err != nil || last.ParticipantID != "P001" || !strings.Contains(last.Reason, tt.words) {
				t.Errorf("the audit trail ends with %+v, %v; want the words", last, err)
			}
			if before, after := s.clock(), hours(1); !errors.As(after, new(*NeedsReconsentError)) || pairOf(t, g, id).RefusedAt.After(before) {
				t.Errorf("Token after that = %v, want no further try", after)
			}
		})
	}
}

// Where nobody else is due, a refusal is believed after 72 hours.
func TestRefusalAlone(t *testing.T) {
	s, g := newStudy(t, "P001")
	id := s.imported(g, "P001")
	s.answering("", 400, `{"error":"invalid_request"}`)
	s.add(3 * time.Hour)
	start := s.clock()
	for {
		_, err := g.Token(t.Context(), id)
		lasted := s.clock().Sub(start)
		if over := errors.As(err, new(*NeedsReconsentError)); over != (lasted >= believedAlone) {
			t.Fatalf("Token after %s = %v", lasted, err)
		} else if over {
			return
		}
		s.add(6 * time.Hour)
	}
}

// A refusal of everybody, in whichever words, puts nobody on the call list,
// however long it lasts; and all are renewed soon after it is over.
func TestRefusalOfEverybody(t *testing.T) {
	for _, tt := range []struct {
		status int
		body   string
		people int
	}{
		{401, `{"error":"invalid_client"}`, 3},
		{401, `{"error":{"code":"Invalid-Client"}}`, 2},
		{400, `{"error":"invalid_request","error_description":"bad secret"}`, 2},
		{403, "blocked", 4},
		{400, `{"error":"invalid_grant"}`, 6}, // so many at once are an outage
	} {
		t.Run(fmt.Sprint(tt.status, tt.body), func(t *testing.T) {
			s, g := newStudy(t)
			var ids []string
			for i := range tt.people {
				who := fmt.Sprintf("P%03d", i+1)
				if err := g.Store.AddParticipant(t.Context(), state.Participant{ID: who}); err != nil {
					t.Fatal(err)
				}
				ids = append(ids, s.imported(g, who))
			}
			s.answering("", tt.status, tt.body)
			for range 12 {
				s.add(10 * time.Hour)
				run := s.process()
				for _, id := range ids {
					run.Token(t.Context(), id)
					if c := pairOf(t, run, id).Connection; c.Status == state.NeedsReconsent {
						t.Fatalf("%+v is on the call list", c)
					}
				}
			}
			s.with(func() { s.fail = nil })
			s.add(16 * time.Hour)
			run := s.process()
			for _, id := range ids {
				if _, err := run.Token(t.Context(), id); err != nil {
					t.Errorf("Token after all = %v", err)
				}
			}
		})
	}
}

// Whoever dies when, and however often everybody is refused meanwhile: nobody whose
// grant lives is put on the call list, and everybody whose grant is dead is, within
// two days in which the others are renewed.
func TestJudge(t *testing.T) {
	const hours = 24 * 12
	rapid.Check(t, func(t *rapid.T) {
		people := rapid.IntRange(2, 7).Draw(t, "people")
		every := rapid.SampledFrom([]int{1, 2, 6, 24}).Draw(t, "hours between syncs")
		dead := make([]int, people) // from this hour on; the first lives
		for i := range dead {
			dead[i] = rapid.IntRange(0, 2*hours).Draw(t, "dies")
		}
		dead[0] = hours
		var down [hours]bool
		for range rapid.IntRange(0, 3).Draw(t, "outages") {
			from := rapid.IntRange(0, hours-1).Draw(t, "from")
			for h := from; h < min(hours, from+rapid.IntRange(1, 100).Draw(t, "for")); h++ {
				down[h] = true
			}
		}
		start := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
		c := make(cohort, people)
		good := make([]int, people) // hours since the person died and since the last outage
		for h := 0; h < hours; h++ {
			for i := range c {
				if good[i]++; h < dead[i] || down[h] {
					good[i] = 0
				}
			}
			if h%every != 0 {
				continue
			}
			for _, i := range rapid.Permutation(c.indexes()).Draw(t, "order") {
				c.try(i, start.Add(time.Duration(h)*time.Hour), h >= dead[i] || down[h])
				if c[i].over && h < dead[i] {
					t.Fatalf("hour %d: P%d is on the call list and lives", h, i)
				}
			}
		}
		for i := range c {
			if good[i] > 36+3*24 && !c[i].over {
				t.Errorf("P%d is dead since hour %d, for %d good hours, and not on the call list", i, dead[i], good[i])
			}
		}
	})
}

// A cohort is what is on record of people's grants.
type cohort []struct {
	since, last, renewed, retryAt time.Time
	tries                         []time.Time
	over                          bool
}

func (c cohort) indexes() (all []int) {
	for i := range c {
		all = append(all, i)
	}
	return all
}

// try refreshes the grant of person i if it is due.
func (c cohort) try(i int, now time.Time, refused bool) {
	me := &c[i]
	if me.over || now.Before(me.retryAt) || now.Before(me.renewed.Add(2*time.Hour)) {
		return
	}
	if !refused {
		me.since, me.last, me.renewed = time.Time{}, time.Time{}, now
		return
	}
	d := doubt{now: now, since: me.since, last: me.last}
	me.since, me.over, _ = d.judge(func(since time.Time) (o state.Others, _ error) {
		for j := range c {
			switch {
			case j == i:
			case !c[j].renewed.Before(since):
				o.Renewed++
			case slices.ContainsFunc(c[j].tries, func(at time.Time) bool { return !at.Before(since) }):
				o.Failed++
			}
		}
		return o, nil
	})
	me.last, me.retryAt, me.tries = now, now.Add(d.wait()), append(me.tries, now)
}
