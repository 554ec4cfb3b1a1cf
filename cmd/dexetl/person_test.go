package main

import (
	"context"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/dexsim"
	"github.com/dexetl/dexetl/extract/state"
)

// strangers is a bench of P001 and P002 in the roster, nobody connected, two days
// before the data of the three accounts end.
func strangers(t *testing.T) *bench {
	t.Helper()
	b := unconnected(t)
	b.now = demoNow.AddDate(0, 0, -2)
	return b
}

// signIn connects id with user's account.
func (b *bench) signIn(id, user string) (code int, stderr string) {
	b.t.Helper()
	code, _, stderr = b.connect(id, visit(b.t, "&user="+user))
	return code, stderr
}

// A person comes back with another account: that stops, until somebody says
// that it is meant. Then the lake holds both, each in its interval.
func TestPersonChangesAccount(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := strangers(t)
	if code, stderr := b.signIn("P001", "P001"); code != exitDone {
		t.Fatalf("connect: exit %d\n%s", code, stderr)
	}
	b.must("backfill", "P001")

	code, stderr := b.signIn("P001", "P002")
	if code != exitUsage {
		t.Fatalf("connect with another account: exit %d, want %d\n%s", code, exitUsage, stderr)
	}
	for _, said := range []string{"another Dexcom account", "android g6", "readings from 2026-04-10", "held of P001: up to 2026-04-13", "dexetl connect P001 --confirm;"} {
		if !strings.Contains(stderr, said) {
			t.Errorf("the explanation does not say %q:\n%s", said, stderr)
		}
	}
	if list := b.must("participants", "list", "--needs"); !strings.Contains(list, "another account signed in") {
		t.Errorf("the call list does not tell of the other account:\n%s", list)
	}
	b.must("sync", "P001")
	if n := len(b.api.Served("P002", "egvs")); n != 0 {
		t.Fatalf("%d egvs were asked of the other account before anybody confirmed it", n)
	}

	restore := b.backup("state.db")
	b.must("connect", "P001", "--confirm", "--reason", "phone lost, new account") // no new sign-in
	b.now = demoNow
	b.must("backfill", "P001")
	rows := b.recordsByConnection()
	if len(rows) != 2 || rows[0].status != "connected" || rows[1].status != "ended" || rows[0].inside["egvs"] < 100 || rows[1].inside["egvs"] < 100 {
		t.Errorf("records by connection = %+v, want many of the ended and of the new one", rows)
	}
	const why = "phone lost, new account"
	if g := b.grants(); len(g) != 2 || g[0].held || !g[1].held || g[0].EndedBecause != why || g[1].BegunBecause != why {
		t.Errorf("connections = %+v, want the second's tokens alone, and the reason at both", g)
	}
	restore()
	asked := b.counted()
	if code, _, stderr := b.run("sync"); code != exitDamage || !strings.Contains(stderr, "is ended") || asked.Load() != 0 {
		t.Errorf("sync with the state of before: exit %d after %d requests, want %d, none, and which connection has ended\n%s", code, asked.Load(), exitDamage, stderr)
	}
}

// A phone with its account is passed on: the next participant gets nothing of
// the first one's time, and the first one nothing of the next one's.
func TestPhonePassesOn(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := strangers(t)
	if code, stderr := b.signIn("P001", "P001"); code != exitDone {
		t.Fatalf("connect: exit %d\n%s", code, stderr)
	}
	b.must("backfill", "P001")
	code, stderr := b.signIn("P002", "P001")
	if code != exitUsage || !strings.Contains(stderr, "is connected as P001") || !strings.Contains(stderr, "dexetl sync P001") {
		t.Fatalf("connect P002 with P001's account: exit %d, want %d, who holds it and what to do\n%s", code, exitUsage, stderr)
	}
	_, links, said := b.run("invite", "--all-missing", "--base-url", "https://consent.example.org", "--csv", "-")
	if strings.Contains(links, "P002") || !strings.Contains(said, "left out until you name them: P002") {
		t.Errorf("invite --all-missing while P002's account is set aside:\n%s%s", links, said)
	}
	code, _, stderr = b.run("connect", "P002", "--confirm", "--reason", "passed on", "--since", "2026-04-12")
	if code != exitUsage || !strings.Contains(stderr, "records of P001 are held up to 2026-04-13") {
		t.Errorf("change in the middle of P001's data: exit %d, want %d\n%s", code, exitUsage, stderr)
	}
	b.must("connect", "P002", "--confirm", "--reason", "study phone passed on")
	changed := b.now
	b.now = demoNow.Add(24 * time.Hour)
	code, _, stderr = b.run("sync") // P001 is not connected any more
	if code != exitConsent {
		t.Fatalf("sync: exit %d, want %d\n%s", code, exitConsent, stderr)
	}
	truth, _ := b.api.TruthOf("P001")
	want := 0
	for _, e := range truth.EGVs {
		if !e.SystemTime.Before(changed) {
			want++
		}
	}
	rows := b.recordsByConnection()
	if len(rows) != 2 || rows[0].participant != "P002" || want == 0 || rows[0].inside["egvs"] != want || rows[0].inside["alerts"] == 0 {
		t.Errorf("records by connection = %+v, want %d egvs of P002, and alerts", rows, want)
	}
}

// connectionRecords are what the lake holds through one connection.
type connectionRecords struct {
	status, participant string
	inside              map[string]int // records in the connection's interval, by table
}

// recordsByConnection expects every record in the interval of its connection.
func (b *bench) recordsByConnection() []connectionRecords {
	b.t.Helper()
	var out []connectionRecords
	for _, row := range b.query(`
		with records as (
			select 'egvs' as tbl, participant_id, connection_id, system_time from egvs union all
			select 'events', participant_id, connection_id, system_time from events union all
			select 'calibrations', participant_id, connection_id, system_time from calibrations union all
			select 'alerts', participant_id, connection_id, system_time from alerts
		)
		select c.status, participant_id, connection_id, tbl,
			count(*) filter (system_time >= coalesce(c.valid_from, '2000-01-01') and system_time < coalesce(c.valid_to, '2200-01-01')) as inside,
			count(*) - inside as outside
		from records join connections c using (participant_id, connection_id)
		group by all order by 1, 2, 3, 4`) {
		if row[5] != "0" {
			b.t.Errorf("%s holds %s rows of %s outside the interval of their connection", row[3], row[5], row[1])
		}
		if len(out) == 0 || out[len(out)-1].status != row[0] || out[len(out)-1].participant != row[1] {
			out = append(out, connectionRecords{row[0], row[1], map[string]int{}})
		}
		out[len(out)-1].inside[row[3]], _ = strconv.Atoi(row[4])
	}
	return out
}

// Fetching ends with a person's part in the study: at once for who failed
// screening or withdrew, after the late window for the others, with a last look.
// Nobody of them is called, and the rest goes on.
func TestPartsEnd(t *testing.T) {
	oneAfterTheOther(t)
	t.Parallel()
	b := newBench(t, dexsim.Config{Seed: 12, Participants: 5, Days: 6, OneDevice: true})
	b.must("participants", "import", b.file("ends.csv", `participant_id,status,status_date,study_end
P001,enrolled,,2026-04-14
P002,screen_failed,2026-04-14,
P003,withdrawn,2026-04-14,
P004,lost,2026-04-14,
`))
	code, _, stderr := b.run("sync")
	if code != exitDone || !strings.Contains(stderr, "P002: access to the account ended, tokens destroyed (status screen_failed in the roster)") || !strings.Contains(stderr, "P004 (lost)") {
		t.Fatalf("sync: exit %d, want 0, who is left out and whose tokens are gone\n%s", code, stderr)
	}
	for id, want := range map[string]bool{"P001": true, "P002": false, "P003": false, "P004": false} {
		if got := len(b.api.Served(id, "egvs")) > 0; got != want {
			t.Errorf("egvs of %s asked: %t, want %t", id, got, want)
		}
	}
	if got, want := holders(b.grants()), "P001 P004 P005"; got != want {
		t.Errorf("tokens are held of %s, want %s", got, want)
	}
	list := b.must("participants", "list", "--needs")
	if !strings.Contains(list, "dexetl withdraw P003") || strings.Contains(list, "P002") || strings.Contains(list, "P004") {
		t.Errorf("the call list should name P003's withdrawal, and neither P002 nor P004:\n%s", list)
	}

	b.now = b.now.AddDate(0, 0, 20)
	b.must("sync")
	if status := b.must("status", "P001"); !strings.Contains(status, "late uploads until 2026-05-15") {
		t.Errorf("status within the late window:\n%s", status)
	}
	b.now = b.now.AddDate(0, 0, 12)
	if code, _, stderr = b.run("sync"); code != exitDone || !strings.Contains(stderr, "P001: access to the account ended, tokens destroyed (last day 2026-04-14") {
		t.Errorf("sync after the late window: exit %d, want 0 and P001's tokens gone\n%s", code, stderr)
	}
	grants := b.grants()
	if got, want := holders(grants), "P005"; got != want {
		t.Errorf("tokens are held of %s, want %s", got, want)
	}
	if status := b.must("status", "P001"); !strings.Contains(status, "completed") || strings.Contains(status, "dexetl connect") {
		t.Errorf("status of who is through:\n%s", status)
	}
	if to := grants[0].ValidTo.Format(time.DateTime); to != "2026-04-15 04:00:00" { // New York
		t.Errorf("P001's connection is valid to %s, want the end of study_end", to)
	}
	calls := b.api.Stats().Calls
	if code, _, stderr = b.run("sync", "P001"); code != exitUsage || !strings.Contains(stderr, "P001 (completed)") {
		t.Errorf("sync P001: exit %d, want %d and why\n%s", code, exitUsage, stderr)
	}
	b.now = b.now.Add(time.Hour)
	b.must("sync")
	if more := b.api.Stats().Calls - calls; more > 3 { // P005
		t.Errorf("%d calls after the end of everybody but P005", more)
	}
}

// A heldGrant is a connection and whether its tokens are held.
type heldGrant struct {
	consent.Connection
	held bool
}

// consents opens the state of the study, whose clock is the bench's; its store is to be closed.
func (b *bench) consents() *consent.Register {
	b.t.Helper()
	store, err := state.Open(context.Background(), filepath.Join(b.dir, "state"))
	if err != nil {
		b.t.Fatal(err)
	}
	store.Now = func() time.Time { return b.now }
	return &consent.Register{Store: store, Cohort: &cohort.Cohort{Store: store}}
}

func (b *bench) grants() []heldGrant {
	b.t.Helper()
	s := b.consents()
	defer s.Store.Close()
	all, err := s.Connections(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	var out []heldGrant
	for _, c := range all {
		_, err := s.Tokens(b.t.Context(), c.ID)
		out = append(out, heldGrant{c, err == nil})
	}
	return out
}

// holders are the participants whose tokens are held.
func holders(grants []heldGrant) string {
	var ids []string
	for _, g := range grants {
		if g.held {
			ids = append(ids, g.ParticipantID)
		}
	}
	return strings.Join(ids, " ")
}
