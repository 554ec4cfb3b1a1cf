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

	"github.com/dexetl/dexetl/extract/cohort"
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
	oneAfterTheOther(t)
	for _, tt := range []struct {
		status int
		body   string
		words  string
		clear  bool
	}{
		{400, `{"error":"invalid_request","error_description":"offline session is gone"}`, "400 Bad Request: invalid_request: offline session is gone", false},
		{401, `{"error":{"code":17,"message":"who?"}}`, "401 Unauthorized: who?", false},
		{403, "<html><b>no</b>", "403 Forbidden: no", false},
		{404, "", "404 Not Found", false},
		{200, `{"error":"no_session"}`, "200 without tokens: no_session", false},
		{400, `{"error":"unauthorized_client"}`, "unauthorized_client", false}, // of an app that others are renewed with
		{400, "\xef\xbb\xbf" + `{"error":{"type":"Invalid_Grant"}}`, "Invalid_Grant", true},
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
			if c := pairOf(t, g, id).Connection; c.Status != Connected || !c.RefusedSince.IsZero() || c.RefusedSaid != "" || c.Unclear {
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
			least, most := 36*time.Hour, 37*time.Hour
			if tt.clear {
				least, most = 30*time.Hour, 36*time.Hour
			}
			if lasted := s.clock().Sub(first); lasted < least || lasted > most {
				t.Errorf("believed after %s, want from %s to %s", lasted, least, most)
			}
			c := pairOf(t, g, id).Connection
			if e, _ := asError[*NeedsReconsentError](err); e.Said != tt.words || c.Status != NeedsReconsent || c.RefusedSaid != tt.words || !c.RefusedSince.Equal(first) {
				t.Errorf("Token = %v, connection %+v; want that consent is needed, since %s, because of %q", err, c, first, tt.words)
			}
			trail, err := g.Register.Store.Trail(t.Context())
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
		if over := errors.As(err, new(*NeedsReconsentError)); over != (lasted >= 72*time.Hour) {
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
				if err := g.Register.Cohort.AddParticipant(t.Context(), cohort.Participant{ID: who}); err != nil {
					t.Fatal(err)
				}
				ids = append(ids, s.imported(g, who))
			}
			s.answering("", tt.status, tt.body)
			for range 6 {
				s.add(20 * time.Hour)
				run := s.process()
				for _, id := range ids {
					run.Token(t.Context(), id)
					if c := pairOf(t, run, id).Connection; c.Status == NeedsReconsent {
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
		c := make(crowd, people)
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

// What counts of others is who was renewed since, and lately; time in which
// everybody was refused does not count.
func TestJudgeCases(t *testing.T) {
	now := time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC)
	ago := func(hours ...float64) (all []time.Time) {
		for _, h := range hours {
			all = append(all, now.Add(-time.Duration(h*float64(time.Hour))))
		}
		return all
	}
	for _, tt := range []struct {
		name            string
		since, last     float64 // hours ago; 0: none
		renewed, failed []time.Time
		code            oauthCode
		clearOnes       int
		wantSince       float64
		over            bool
	}{
		{name: "the first"},
		{"a day and a half, others are renewed", 36, 1, ago(30, 3), nil, "", 0, 36, true},
		{"not yet", 35.9, 1, ago(30, 3), nil, "", 0, 35.9, false},
		{"nobody else was due", 71.9, 1, nil, nil, "", 0, 71.9, false},
		{"for three days", 72, 1, nil, nil, "", 0, 72, true},
		{"the app, as far as one can tell", 100, 1, nil, nil, "invalid_client", 0, 100, false},
		{"others were due and are refused", 100, 1, nil, ago(50, 2), "", 0, 0, false},
		{"others were renewed before everybody was refused", 100, 1, ago(99), ago(50, 2), "", 0, 0, false},
		{"others were renewed when it began", 20, 1, ago(19.9), ago(2), "", 0, 20, false},
		{"others failed once, long ago", 100, 1, nil, ago(99), "", 0, 100, false},
		{"not tried for a week, others were renewed since", 200, 190, ago(189), ago(3), "", 0, 200, true},
		{"our clock was ahead", -5, 1, ago(3), nil, "", 0, 0, false},
		{"invalid_grant, the fourth", 20, 1, nil, nil, invalidGrant, 3, 20, false},
		{"invalid_grant, the fifth", 30, 1, nil, nil, invalidGrant, 4, 30, true},
		{"invalid_grant, the fifth, and of a few others", 30, 1, nil, ago(1, 2, 3), invalidGrant, 4, 30, true},
		{"invalid_grant, the fifth, and of many others", 30, 1, nil, ago(1, 2, 3, 4), invalidGrant, 4, 0, false},
	} {
		d := doubt{now: now, code: tt.code, clearOnes: tt.clearOnes}
		if tt.since != 0 {
			d.since, d.last = ago(tt.since)[0], ago(tt.last)[0]
		}
		since, over, err := d.judge(func(since time.Time) (Others, error) {
			count := func(all []time.Time) (n int) {
				for _, at := range all {
					if !at.Before(since) {
						n++
					}
				}
				return n
			}
			return Others{Renewed: count(tt.renewed), Failed: count(tt.failed)}, nil
		})
		if want := ago(tt.wantSince)[0]; err != nil || !since.Equal(want) || over != tt.over {
			t.Errorf("%s: since %s, over %t, %v; want %s, %t", tt.name, since, over, err, want, tt.over)
		}
	}
}

// A crowd is what is on record of people's grants.
type crowd []struct {
	since, last, renewed, retryAt time.Time
	tries                         []time.Time
	over                          bool
}

func (c crowd) indexes() (all []int) {
	for i := range c {
		all = append(all, i)
	}
	return all
}

// try refreshes the grant of person i if it is due.
func (c crowd) try(i int, now time.Time, refused bool) {
	me := &c[i]
	if me.over || now.Before(me.retryAt) || now.Before(me.renewed.Add(2*time.Hour)) {
		return
	}
	if !refused {
		me.since, me.last, me.renewed = time.Time{}, time.Time{}, now
		return
	}
	d := doubt{now: now, since: me.since, last: me.last}
	me.since, me.over, _ = d.judge(func(since time.Time) (o Others, _ error) {
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
