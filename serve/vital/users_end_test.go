package vital

import (
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/extract/state"
)

// Who was erased is nobody, and gets no id again.
func TestErasedIsNobody(t *testing.T) {
	v := newTown(t)
	v.create("P001", "")
	v.create("P002", "")
	_, err := v.study.Store.Exec(t.Context(), "insert into erasures values ('P001', 'done', 0, 0, '', ''); delete from api_users where participant_id = 'P001'")
	check(t, err)
	var list UserList
	v.does("GET", "/v2/user", "", &list)
	if list.Total != 1 || len(list.Users) != 1 || list.Users[0].ClientUserID != "P002" {
		t.Errorf("listed are %+v, want P002 alone", list)
	}
	if got := v.ask(v.key, "GET", "/v2/user/resolve/P001", ""); got.status != 404 {
		t.Errorf("resolved: %d %s", got.status, got.text)
	}
	if got := v.ask(v.key, "POST", "/v2/user", `{"client_user_id":"P001"}`); got.status != 400 || strings.Contains(got.text, "user_id\":\"") {
		t.Errorf("made again: %d %s", got.status, got.text)
	}
	ids, err := state.Collect(t.Context(), v.study.Store, state.ScanText, "select participant_id from api_users")
	if err != nil || len(ids) != 1 {
		t.Errorf("ids are kept of %v (%v), want P002", ids, err)
	}
}

// Who was erased by the audit trail is nobody, also where the state has forgotten it.
func TestForgottenErasedIsNobody(t *testing.T) {
	v := newTown(t)
	v.create("P001", "")
	v.create("P002", "")
	check(t, v.study.Store.Audit(t.Context(), state.Act{Subject: state.ErasureSubject, ParticipantID: "P001", After: state.Fields{"stage": "begun"}}))
	var list UserList
	v.does("GET", "/v2/user", "", &list)
	if list.Total != 1 || len(list.Users) != 1 || list.Users[0].ClientUserID != "P002" {
		t.Errorf("listed are %+v, want P002 alone", list)
	}
	if got := v.ask(v.key, "GET", "/v2/user/resolve/P001", ""); got.status != 404 {
		t.Errorf("resolved: %d %s", got.status, got.text)
	}
}

// Who is deleted is nobody any more; their tokens are used by nobody, and a run destroys
// them once that cannot be undone any more. Their data stay.
func TestDelete(t *testing.T) {
	v := newTown(t)
	user := v.connect("P001")
	v.does("POST", "/v2/user/refresh/"+user+"?timeout=30", "", nil)
	kept := v.glucose("P001")
	for round := range 2 {
		open := v.link(user)
		v.does("DELETE", "/v2/user/"+user, "", nil)
		for _, path := range []string{"/v2/user/" + user, "/v2/user/resolve/P001", "/v2/user/providers/" + user, "/v2/introspect/resources?user_id=" + user} {
			if got := v.ask(v.key, "GET", path, ""); got.status != 404 {
				t.Errorf("GET %s of who was deleted: %d %s", path, got.status, got.text)
			}
		}
		if got := v.ask(v.key, "POST", "/v2/user/refresh/"+user, ""); got.status != 404 {
			t.Errorf("refresh of who was deleted: %d", got.status)
		}
		if got := v.ask("x-vital-link-token: "+open.LinkToken, "GET", "/v2/link/providers", ""); got.status != 401 {
			t.Errorf("link of who was deleted: %d", got.status)
		}
		v.wait(6 * 24 * time.Hour)
		v.run()
		if c := v.connection("P001"); c.Status != consent.Connected {
			t.Errorf("after 6 days the connection is %s", c.Status)
		}
		if round == 0 {
			v.does("POST", "/v2/user/undo_delete?user_id="+user, "", nil)
			v.does("GET", "/v2/user/"+user, "", nil)
		}
	}
	v.wait(25 * time.Hour)
	if got := v.ask(v.key, "POST", "/v2/user/undo_delete?client_user_id=P001", ""); got.status != 400 {
		t.Errorf("undone after 7 days: %d %s", got.status, got.text)
	}
	v.run()
	if c := v.connection("P001"); c.Status != consent.Ended {
		t.Errorf("after 7 days the connection is %s", c.Status)
	}
	if now := v.glucose("P001"); now[0] != kept[0] {
		t.Errorf("the data begin at %s, and did at %s", now[0], kept[0])
	}
	if got := v.ask(v.key, "POST", "/v2/user", `{"client_user_id":"P001"}`); got.status != 400 || strings.Contains(got.text, user) {
		t.Errorf("created again: %d %s", got.status, got.text)
	}
	for path, want := range map[string]int{"": 422, "?user_id=" + user[:8]: 422, "?client_user_id=X9": 404, "?user_id=2c7e0bd2-8a2b-4d7a-9d4e-0b3a0e7d7a11": 404} {
		if got := v.ask(v.key, "POST", "/v2/user/undo_delete"+path, ""); got.status != want {
			t.Errorf("undo %s: %d %s, want %d", path, got.status, got.text, want)
		}
	}
}

func (v *town) connection(id string) (newest consent.Connection) {
	v.t.Helper()
	all, err := v.study.Consents.Connections(v.t.Context())
	check(v.t, err)
	for _, c := range all {
		if c.ParticipantID == id {
			newest = c
		}
	}
	return newest
}

// The tokens of a connection that ends are destroyed, and the person may connect again.
func TestDeregister(t *testing.T) {
	v := newTown(t)
	user := v.connect("P001")
	v.does("POST", "/v2/user/refresh/"+user+"?timeout=30", "", nil)
	if got := v.ask(v.key, "DELETE", "/v2/user/"+user+"/oura", ""); got.status != 404 {
		t.Errorf("another provider: %d", got.status)
	}
	var did Done
	v.does("DELETE", "/v2/user/"+user+"/dexcom_v3", "", &did)
	if c := v.connection("P001"); !did.Success || c.Status != consent.Ended || c.EndedBecause != "deregistered over the API" {
		t.Errorf("%+v %+v", did, c)
	}
	n, err := state.One(t.Context(), v.study.Store, state.ScanText, "select count(*) from tokens")
	if err != nil || n != "0" {
		t.Errorf("%v, %s pairs of tokens are left", err, n)
	}
	if got := v.ask(v.key, "DELETE", "/v2/user/"+user+"/dexcom_v3", ""); got.status != 404 {
		t.Errorf("again: %d", got.status)
	}
	v.stay(user)
	if at := v.signIn(v.link(user).LinkWebURL, "&user=P001"); at != program+"?state=success" {
		t.Errorf("connecting again leads to %s", at)
	}
}

// stay expects the data of P001, who is connected no more, to be told of still, until they
// have withdrawn, and again when the lake has that.
func (v *town) stay(user string) {
	t := v.t
	t.Helper()
	told := func() (ResourceSummary, HistoricalPull) {
		t.Helper()
		var of UserPage[UserResources]
		v.does("GET", "/v2/introspect/resources?user_id="+user, "", &of)
		var pulls UserPage[UserPulls]
		v.does("GET", "/v2/introspect/historical_pull?user_id="+user, "", &pulls)
		return of.Data[0].Provider["dexcom_v3"]["glucose"], pulls.Data[0].Provider["dexcom_v3"].Pulled["glucose"]
	}
	rows := v.glucose("P001")
	data, pull := told()
	if data.OldestData == nil || *data.OldestData != rows[0] || *data.NewestData != rows[1] || data.LastAttempt == nil {
		t.Errorf("data after the end: %+v, want from %s to %s", data, rows[0], rows[1])
	}
	if pull.Status != "success" || pull.DaysWithData < 9 {
		t.Errorf("pull after the end: %+v", pull)
	}
}

func TestRefresh(t *testing.T) {
	v := newTown(t)
	user := v.connect("P001")
	v.refresh = time.Second
	for range access.RefreshesOf {
		if got := v.ask(v.key, "POST", "/v2/user/refresh/"+user+"?timeout=0.5", ""); got.status != 202 || !strings.Contains(got.text, `"in_progress_sources":["dexcom_v3"]`) {
			t.Errorf("not done in time: %d %s", got.status, got.text)
		}
	}
	if got := v.ask(v.key, "POST", "/v2/user/refresh/"+user, ""); got.status != 429 || got.header.Get("Retry-After") != "3600" {
		t.Errorf("beyond 8 an hour: %d %s", got.status, got.header.Get("Retry-After"))
	}
	v.wait(time.Hour)
	c := v.connection("P001")
	_, err := v.study.Store.Exec(t.Context(), "update connections set status = 'needs_reconsent' where connection_id = ?", c.ID)
	check(t, err)
	failed := v.ask(v.key, "POST", "/v2/user/refresh/"+user, "")
	if want := `{"success":false,"user_id":"` + user + `","error":"the person has to consent again","failed_sources":["dexcom_v3"]}`; failed.status != 400 || failed.text != want {
		t.Errorf("without consent: %d %s, want %s", failed.status, failed.text, want)
	}
	var providers map[string][]ProviderStatus
	v.does("GET", "/v2/user/providers/"+user, "", &providers)
	if p := providers["providers"]; len(p) != 1 || p[0].Status != "error" || p[0].ErrorDetails.ErrorType != "token_refresh_failed" || p[0].ResourceAvailability["glucose"].Status != "unavailable" {
		t.Errorf("providers: %+v", providers)
	}
	for _, query := range []string{"?timeout=-1", "?timeout=1e9", "?timeout=x", "?timeout=NaN", "?timeout=Inf", "?timeout=-inf"} {
		if got := v.ask(v.key, "POST", "/v2/user/refresh/"+user+query, ""); got.status != 422 {
			t.Errorf("%s: %d", query, got.status)
		}
	}
}

// Where there is nothing to refresh, nobody is told that something was.
func TestNothingToRefresh(t *testing.T) {
	v := newTown(t)
	never, user := v.create("P002", ""), v.connect("P001")
	refused := func(of, why, sources string) {
		t.Helper()
		want := `{"success":false,"user_id":"` + of + `","error":"` + why + `","failed_sources":` + sources + `}`
		if got := v.ask(v.key, "POST", "/v2/user/refresh/"+of, ""); got.status != 400 || got.text != want {
			t.Errorf("%d %s, want %s", got.status, got.text, want)
		}
	}
	available := func() string {
		var providers map[string][]ProviderStatus
		v.does("GET", "/v2/user/providers/"+user, "", &providers)
		return providers["providers"][0].Status + " " + providers["providers"][0].ResourceAvailability["glucose"].Status
	}
	refused(never, "the person is not connected", "[]")
	check(t, v.study.Cohort.SetPaused(t.Context(), "P001", true))
	refused(user, "the study team has paused the person", `["dexcom_v3"]`)
	if got := available(); got != "connected unavailable" {
		t.Errorf("providers of who is paused: %s", got)
	}
	check(t, v.study.Cohort.SetPaused(t.Context(), "P001", false))
	if got := available(); got != "connected available" {
		t.Errorf("providers: %s", got)
	}
	v.does("PATCH", "/v2/user/"+user, `{"ingestion_start":"2026-06-01"}`, nil)
	refused(user, "by the dates and the status in the roster nothing is asked of the person at present", `["dexcom_v3"]`)
	v.does("DELETE", "/v2/user/"+user+"/dexcom_v3", "", nil)
	refused(user, "the connection has ended: the person may connect again", "[]")
	v.withdraw("P001")
	refused(user, "the person has withdrawn", "[]")
}
