package vital

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/access"
	"github.com/dexetl/dexetl/extract/cohort"
)

// From the creation of a user over the consent page to data that are there.
func TestWholePath(t *testing.T) {
	v := newTown(t)
	var none User
	user := v.create("P001", `,"fallback_time_zone":"America/New_York"`)
	v.does("GET", "/v2/user/"+user, "", &none)
	if none.ClientUserID != "P001" || none.TeamID == "" || len(none.ConnectedSources) != 0 || none.FallbackTimeZone.ID != "America/New_York" ||
		*none.IngestionStart != "2026-01-15" || none.IngestionEnd != nil || none.CreatedOn != "2026-04-15T12:00:00+00:00" {
		t.Errorf("user before: %+v", none)
	}
	link := v.link(user)
	if !strings.HasPrefix(link.LinkWebURL, v.base+"/i/") || !strings.HasSuffix(link.LinkWebURL, link.LinkToken) {
		t.Errorf("link %+v", link)
	}
	header := "x-vital-link-token: " + link.LinkToken
	for _, path := range []string{"/v2/link/providers", "/v2/link/provider/oauth/dexcom_v3"} {
		if got := v.ask(header, "GET", path, ""); got.status != 200 || !strings.Contains(got.text, `"oauth_url":"`+link.LinkWebURL+`"`) || !strings.Contains(got.text, `"slug":"dexcom_v3"`) {
			t.Errorf("%s: %d %s", path, got.status, got.text)
		}
	}
	if at := v.signIn(link.LinkWebURL, "&user=P001"); at != program+"?state=success" {
		t.Errorf("the browser is led to %s", at)
	}
	if got := v.ask(header, "GET", "/v2/link/providers", ""); got.status != 401 || got.text != `{"detail":"token_consumed"}` {
		t.Errorf("a link token that did its work: %d %s", got.status, got.text)
	}
	v.does("GET", "/v2/user/resolve/P001", "", &none)
	if len(none.ConnectedSources) != 1 || none.ConnectedSources[0].Provider.Slug != "dexcom_v3" {
		t.Errorf("user after: %+v", none)
	}
	var providers map[string][]ProviderStatus
	v.does("GET", "/v2/user/providers/"+user, "", &providers)
	if p := providers["providers"]; len(p) != 1 || p[0].Status != "connected" || p[0].ErrorDetails != nil || p[0].ResourceAvailability["glucose"].Status != "available" {
		t.Errorf("providers: %+v", providers)
	}
	v.pulled(user)
}

// pulled expects the history of P001 to be scheduled, and after a refresh to be there.
func (v *town) pulled(user string) {
	t := v.t
	pull := func() HistoricalPull {
		var page UserPage[UserPulls]
		v.does("GET", "/v2/introspect/historical_pull?user_id="+user, "", &page)
		if len(page.Data) != 1 || page.Data[0].UserID != user || len(page.Data[0].Provider["dexcom_v3"].Pulled) != 5 {
			t.Fatalf("historical pulls: %+v", page)
		}
		return page.Data[0].Provider["dexcom_v3"].Pulled["glucose"]
	}
	if p := pull(); p.Status != "scheduled" || p.Timeline.ScheduledAt == "" || p.Timeline.StartedAt != nil || p.DaysWithData != 0 {
		t.Errorf("before the first fetch: %+v", p)
	}
	v.wait(time.Minute)
	var refreshed Refresh
	v.does("POST", "/v2/user/refresh/"+user+"?timeout=30", "", &refreshed)
	if len(refreshed.RefreshedSources) != 1 || len(refreshed.InProgressSources)+len(refreshed.FailedSources) > 0 || !refreshed.Success || refreshed.UserID != user {
		t.Errorf("refresh: %+v", refreshed)
	}
	if p := pull(); p.Status != "success" || p.Timeline.StartedAt == nil || p.Timeline.EndedAt == nil || p.DaysWithData < 9 || *p.RangeStart != "2026-01-15T05:00:00+00:00" {
		t.Errorf("after it: %+v", p)
	}
	ended := *pull().Timeline.EndedAt
	v.wait(26 * time.Hour)
	v.does("POST", "/v2/user/refresh/"+user+"?timeout=30", "", nil)
	if again := *pull().Timeline.EndedAt; again != ended {
		t.Errorf("the history was complete at %s, and a day later at %s", ended, again)
	}
	var page UserPage[UserResources]
	v.does("GET", "/v2/introspect/resources", "", &page)
	glucose := page.Data[0].Provider["dexcom_v3"]["glucose"]
	rows := v.glucose("P001")
	if glucose.LastAttempt == nil || glucose.LastAttempt.Status != "success" || glucose.OldestData == nil || *glucose.OldestData != rows[0] || *glucose.NewestData != rows[1] {
		t.Errorf("glucose: %+v, want from %s to %s", glucose, rows[0], rows[1])
	}
	var devices []UserDevice
	v.does("GET", "/v2/user/"+user+"/device", "", &devices)
	if len(devices) == 0 || devices[0].UserID != user || *devices[0].DeviceManufacturer != "Dexcom" || devices[0].DeviceID != nil {
		t.Errorf("devices: %+v", devices)
	}
	var device UserDevice
	if v.does("GET", "/v2/user/"+user+"/device/"+devices[0].ID, "", &device); !reflect.DeepEqual(device, devices[0]) {
		t.Errorf("one device: %+v, want %+v", device, devices[0])
	}
	if got := v.ask(v.key, "GET", "/v2/user/"+user+"/device/"+user, ""); got.status != 404 {
		t.Errorf("no device: %d %s", got.status, got.text)
	}
	v.withdraw("P001")
	for _, path := range []string{"/device", "/device/" + devices[0].ID} {
		if got := v.ask(v.key, "GET", "/v2/user/"+user+path, ""); got.status != 503 {
			t.Errorf("%s during a withdrawal: %d %s", path, got.status, got.text)
		}
	}
	var left UserPage[UserResources]
	v.does("GET", "/v2/introspect/resources", "", &left)
	if got := left.Data[0].Provider; len(got) != 0 {
		t.Errorf("resources during a withdrawal: %+v", got)
	}
}

// withdraw records a withdrawal, which is in no snapshot yet.
func (v *town) withdraw(id string) {
	v.t.Helper()
	_, err := v.study.Consents.Withdraw(v.t.Context(), cohort.Withdrawal{ParticipantID: id, EffectiveAt: v.clock()})
	check(v.t, err)
}

// glucose is where somebody's EGVs begin and end, by the lake.
func (v *town) glucose(id string) [2]string {
	v.t.Helper()
	rows, err := v.study.QueryOnly(v.t.Context(), []string{"egvs"}, "", "select min(system_time), max(system_time) from egvs where vanished_at is null and participant_id = ?", id)
	check(v.t, err)
	return [2]string{utc(rows.Rows[0][0].(time.Time)), utc(rows.Rows[0][1].(time.Time))}
}

func TestCreate(t *testing.T) {
	v := newTown(t)
	v.create("P001", `,"ingestion_start":"2026-02-01","ingestion_end":"2026-03-01","fallback_birth_date":"1980-01-01","newer":1`)
	who := v.person("P001")
	if who.StudyStart.Format(time.DateOnly) != "2026-02-01" || who.StudyEnd.Format(time.DateOnly) != "2026-03-01" || who.Timezone != "" {
		t.Errorf("%+v", who)
	}
	ofB := v.addKey("b", access.Rights{Scope: access.Manage, Cohort: "B"})
	if got := v.ask(ofB, "POST", "/v2/user", `{"client_user_id":"Q001"}`); got.status != 200 || v.person("Q001").Cohort != "B" {
		t.Errorf("by a key of cohort B: %d %s, cohort %q", got.status, got.text, v.person("Q001").Cohort)
	}
	if days, err := v.api.Identities.Assumed(t.Context()); err != nil || len(days) != 1 || days["Q001"] != "2026-01-15" {
		t.Errorf("assumed: %v, %v", days, err)
	}
	for _, tt := range []struct {
		key, body string
		status    int
		want      string
	}{
		{v.key, `{"client_user_id":"p001"}`, 400, `{"detail":{"error_type":"INVALID_REQUEST","error_message":"client_user_id already exists.","user_id":"`},
		{ofB, `{"client_user_id":"P001"}`, 400, `"error_message":"client_user_id already exists."}}`},
		{v.key, `{"client_user_id":"a b"}`, 422, `"loc":["body","client_user_id"]`},
		{v.key, `{"client_user_id":"null"}`, 422, `"loc":["body","client_user_id"]`},
		{v.key, `{"client_user_id":""}`, 422, `"loc":["body","client_user_id"]`},
		{v.key, `{}`, 422, `client_user_id`},
		{v.key, `{"client_user_id":"X1","fallback_time_zone":"Mars/Olympus"}`, 422, `"loc":["body","fallback_time_zone"]`},
		{v.key, `{"client_user_id":"X1","ingestion_start":"yesterday"}`, 422, `"loc":["body","ingestion_start"]`},
		{v.key, `{"client_user_id":"X1","ingestion_start":"2026-02-01","ingestion_end":"2026-01-01"}`, 422, `"loc":["body","ingestion_end"]`},
	} {
		if got := v.ask(tt.key, "POST", "/v2/user", tt.body); got.status != tt.status || !strings.Contains(got.text, tt.want) {
			t.Errorf("%s: %d %s, want %d %s", tt.body, got.status, got.text, tt.status, tt.want)
		}
	}
	if people, err := v.study.Cohort.Participants(t.Context()); err != nil || len(people) != 2 {
		t.Errorf("%d participants, %v; want those two", len(people), err)
	}
}

func TestList(t *testing.T) {
	v := newTown(t)
	for i := range 7 {
		v.create(fmt.Sprintf("P%03d", i), "")
	}
	for query, want := range map[string]string{"": "P000 P001 P002 P003 P004 P005 P006", "?offset=2&limit=3": "P002 P003 P004", "?offset=6": "P006", "?offset=9": ""} {
		var list UserList
		v.does("GET", "/v2/user"+query, "", &list)
		var ids []string
		for _, u := range list.Users {
			ids = append(ids, u.ClientUserID)
		}
		if got := strings.Join(ids, " "); got != want || list.Total != 7 {
			t.Errorf("%q: %s of %d", query, got, list.Total)
		}
	}
	var seen []string
	for cursor := ""; ; {
		var page UserPage[UserResources]
		v.does("GET", "/v2/introspect/resources?user_limit=3&next_cursor="+cursor, "", &page)
		for _, u := range page.Data {
			seen = append(seen, u.UserID)
		}
		if page.NextCursor == nil {
			break
		}
		cursor = *page.NextCursor
	}
	if len(seen) != 7 {
		t.Errorf("%d users over the pages of introspection", len(seen))
	}
	if got := v.ask(v.key, "GET", "/v2/introspect/historical_pull?next_cursor=abc", ""); got.status != 422 {
		t.Errorf("a cursor that is none: %d %s", got.status, got.text)
	}
}

func TestPatch(t *testing.T) {
	v := newTown(t)
	user := v.create("P001", "")
	for _, tt := range []struct {
		body   string
		status int
	}{
		{`{"fallback_time_zone":"Europe/Berlin","ingestion_start":"2026-03-01","ingestion_end":"2026-06-30"}`, 204},
		{`{"fallback_time_zone":null,"ingestion_end":null,"client_user_id":"P001"}`, 204},
		{`{}`, 204},
		{`{"client_user_id":"P002"}`, 422},
		{`{"ingestion_end":"2026-02-01"}`, 422},
		{`{"fallback_time_zone":"Berlin"}`, 422},
		{`{"ingestion_start":7}`, 422},
	} {
		if got := v.ask(v.key, "PATCH", "/v2/user/"+user, tt.body); got.status != tt.status || got.status == 204 && got.text != "" {
			t.Errorf("%s: %d %s, want %d", tt.body, got.status, got.text, tt.status)
		}
	}
	if who := v.person("P001"); who.Timezone != "Europe/Berlin" || who.StudyStart.Format(time.DateOnly) != "2026-03-01" || who.StudyEnd.Format(time.DateOnly) != "2026-06-30" {
		t.Errorf("%+v", who)
	}
}

func TestLinks(t *testing.T) {
	v := newTown(t)
	user := v.create("P001", "")
	for _, tt := range []struct {
		body   string
		status int
		want   string
	}{
		{`{"user_id":"` + user + `"}`, 200, "link_web_url"},
		{`{"user_id":"` + user + `","provider":"dexcom_v3","redirect_url":null,"filter_on_providers":["dexcom_v3"],"on_error":"redirect","on_close":"redirect"}`, 200, "link_web_url"},
		{`{"user_id":"` + user + `","redirect_url":"` + program + `?session=1"}`, 200, "link_web_url"},
		{`{"user_id":"` + user + `","redirect_url":"https://evil.example/"}`, 422, `"loc":["body","redirect_url"]`},
		{`{"user_id":"` + user + `","provider":"oura"}`, 422, `"loc":["body","provider"]`},
		{`{"user_id":"` + user + `","filter_on_providers":["oura","dexcom_v3"],"on_close":null}`, 200, "link_web_url"},
		{`{"user_id":"` + user + `","filter_on_providers":["oura"]}`, 422, `"loc":["body","filter_on_providers"]`},
		{`{"user_id":"` + user + `","on_error":"boo"}`, 422, `"loc":["body","on_error"]`},
		{`{"user_id":"` + user + `","on_close":"boo"}`, 422, `"loc":["body","on_close"]`},
		{`{"user_id":"P001"}`, 422, `"loc":["body","user_id"]`},
		{`{}`, 422, "user_id"},
		{`{"user_id":"2c7e0bd2-8a2b-4d7a-9d4e-0b3a0e7d7a11"}`, 404, "there is no such user"},
	} {
		if got := v.ask(v.key, "POST", "/v2/link/token", tt.body); got.status != tt.status || !strings.Contains(got.text, tt.want) {
			t.Errorf("%s: %d %s, want %d %s", tt.body, got.status, got.text, tt.status, tt.want)
		}
	}
	var code LinkCode
	v.does("POST", "/v2/link/code/create?user_id="+user, "", &code)
	if code.ExpiresAt != "2026-04-15T13:00:00+00:00" || code.ExchangeURL != v.base+"/i/"+code.Code {
		t.Errorf("%+v", code)
	}
	v.does("POST", "/v2/link/code/create?user_id="+user+"&expires_at=2026-04-17T12:00:00Z", "", &code)
	for _, query := range []string{"expires_at=2026-04-15T11:00:00Z", "expires_at=2026-05-15", "expires_at=soon"} {
		if got := v.ask(v.key, "POST", "/v2/link/code/create?user_id="+user+"&"+query, ""); got.status != 422 {
			t.Errorf("%s: %d %s", query, got.status, got.text)
		}
	}
	token := v.link(user).LinkToken
	v.wait(time.Hour)
	for header, want := range map[string]string{token: "token_expired", "nonsense": "invalid_token", code.Code: ""} {
		got := v.ask("x-vital-link-token: "+header, "GET", "/v2/link/providers", "")
		if want == "" && got.status != 200 || want != "" && (got.status != 401 || got.text != `{"detail":"`+want+`"}`) {
			t.Errorf("%.8s: %d %s, want %s", header, got.status, got.text, want)
		}
	}
	if got := v.ask("x-vital-link-token: "+code.Code, "GET", "/v2/link/provider/oauth/oura", ""); got.status != 404 {
		t.Errorf("another provider: %d", got.status)
	}
	check(t, v.study.Cohort.SetPaused(t.Context(), "P001", true))
	if got := v.ask(v.key, "POST", "/v2/link/token", `{"user_id":"`+user+`"}`); got.status != 400 || !strings.Contains(got.text, "not to be connected") {
		t.Errorf("for who is paused: %d %s", got.status, got.text)
	}
}

// A key of scope read changes nothing, and one of another cohort knows nobody.
func TestRightsOfUsers(t *testing.T) {
	v := newTown(t)
	user := v.create("P001", "")
	reads, ofB := v.addKey("reads", access.Rights{Scope: access.Read}), v.addKey("b", access.Rights{Scope: access.Manage, Cohort: "B"})
	for _, tt := range []struct{ method, path, body string }{
		{"POST", "/v2/user", `{"client_user_id":"X1"}`}, {"GET", "/v2/user/" + user, ""}, {"GET", "/v2/user/resolve/P001", ""},
		{"PATCH", "/v2/user/" + user, "{}"}, {"GET", "/v2/user/providers/" + user, ""}, {"GET", "/v2/user/" + user + "/device", ""},
		{"GET", "/v2/introspect/resources?user_id=" + user, ""}, {"GET", "/v2/introspect/historical_pull?user_id=" + user, ""},
		{"POST", "/v2/user/refresh/" + user, ""}, {"DELETE", "/v2/user/" + user + "/dexcom_v3", ""},
		{"POST", "/v2/link/token", `{"user_id":"` + user + `"}`}, {"POST", "/v2/link/code/create?user_id=" + user, ""},
		{"POST", "/v2/user/undo_delete?user_id=" + user, ""}, {"POST", "/v2/user/undo_delete?client_user_id=P001", ""}, {"DELETE", "/v2/user/" + user, ""},
	} {
		if got := v.ask("", tt.method, tt.path, tt.body); got.status != 401 {
			t.Errorf("%s %s without a key: %d", tt.method, tt.path, got.status)
		}
		want := 403
		if tt.method == "GET" {
			want = 200
		}
		if got := v.ask(reads, tt.method, tt.path, tt.body); got.status != want {
			t.Errorf("%s %s by a key that reads: %d, want %d", tt.method, tt.path, got.status, want)
		}
		if want = 404; tt.path == "/v2/user" {
			want = 200
		}
		if got := v.ask(ofB, tt.method, tt.path, tt.body); got.status != want || want == 404 && got.text != `{"detail":"there is no such user"}` {
			t.Errorf("%s %s by a key of another cohort: %d %s", tt.method, tt.path, got.status, got.text)
		}
	}
	var list UserList
	got := v.ask(ofB, "GET", "/v2/user", "")
	if !strings.Contains(got.text, `"client_user_id":"X1"`) || strings.Contains(got.text, "P001") {
		t.Errorf("list of a key of cohort B: %s", got.text)
	}
	v.does("GET", "/v2/user", "", &list)
	if list.Total != 2 || v.person("P001").Paused {
		t.Errorf("%+v", list)
	}
}

// The audit trail names the key by which something was changed, and the route.
func TestChangesAreAudited(t *testing.T) {
	v := newTown(t)
	user := v.create("P001", "")
	v.does("PATCH", "/v2/user/"+user, `{"fallback_time_zone":"Europe/Berlin"}`, nil)
	link := v.link(user)
	v.does("DELETE", "/v2/user/"+user, "", nil)
	lines, err := v.study.Store.Trail(t.Context())
	check(t, err)
	var got []string
	for _, l := range lines {
		if strings.Contains(l.Before+l.After, link.LinkToken) {
			t.Error("a line of the trail has a link")
		}
		if l.Who == "key all (server@here)" {
			got = append(got, l.Command+" "+l.Subject+" "+l.ParticipantID)
		}
	}
	want := []string{"POST /v2/user participant P001", "PATCH /v2/user/{user_id} participant P001", "POST /v2/link/token link P001", "DELETE /v2/user/{user_id} participant P001"}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("by the key: %q, want %q", got, want)
	}
}
