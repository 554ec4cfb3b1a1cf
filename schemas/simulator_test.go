package schemas

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/extract/dexsim"
)

var saved = flag.String("answers", "", "folder in which to save the simulator's odd answers, for others to read")

// typeOf is the type of answers of each resource.
func typeOf(r dexcom.Resource) string {
	if r == dexcom.DataRange {
		return "data-range-response"
	}
	return string(r) + "-response"
}

var resources = []dexcom.Resource{dexcom.EGVs, dexcom.Events, dexcom.Calibrations, dexcom.Alerts, dexcom.Devices, dexcom.DataRange}

// What the simulator sends holds, with every anomaly of the data: answers whole where
// nothing in them is out of order, else record by record.
func TestSimulator(t *testing.T) {
	const unclean = dexsim.BadRecords | dexsim.TextNumbers // of no kind that was ever seen
	for _, test := range []struct {
		name  string
		chaos dexsim.Kinds
		each  func(t *testing.T, r dexcom.Resource, body []byte)
	}{
		{"clean", 0, holdsWhole},
		{"odd", dexsim.AllData &^ unclean, holdsSaved},
		{"wrong", dexsim.AllData, comparesRecords},
	} {
		t.Run(test.name, func(t *testing.T) {
			eachAnswer(t, test.chaos, func(r dexcom.Resource, body []byte) { test.each(t, r, body) })
		})
	}
}

// holdsSaved is holdsWhole, and saves the answer if that is wanted.
func holdsSaved(t *testing.T, r dexcom.Resource, body []byte) {
	holdsWhole(t, r, body)
	if *saved == "" {
		return
	}
	file, err := os.CreateTemp(*saved, typeOf(r)+".*.json")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Write(body); err != nil {
		t.Fatal(err)
	}
}

func holdsWhole(t *testing.T, r dexcom.Resource, body []byte) {
	validatorOf(t, typeOf(r)).holds(t, "an answer", body)
}

func comparesRecords(t *testing.T, r dexcom.Resource, body []byte) {
	answer := parsed(t, body).(map[string]any)
	records, ok := answer["records"].([]any)
	if !ok {
		holdsWhole(t, r, body)
		return
	}
	v, held := validatorOf(t, typeOf(r)), []any{}
	for _, record := range records {
		answer["records"] = []any{record}
		if v.compiled.Validate(answer) == nil {
			held = append(held, record)
			continue
		}
		if taken, lenient := compare(t, r, answer); !taken {
			for _, name := range lenient {
				if name != "a number as text" {
					t.Errorf("%s: %s", r, name)
				}
			}
		}
	}
	answer["records"] = held
	compare(t, r, answer)
}

// eachAnswer calls each with all answers about one of every kind of user.
func eachAnswer(t *testing.T, chaos dexsim.Kinds, each func(dexcom.Resource, []byte)) {
	end := time.Date(2026, 3, 20, 12, 0, 0, 0, time.UTC)
	sim, err := dexsim.New(dexsim.Config{
		Seed: 3, Participants: 11, Days: 4, End: end, Now: func() time.Time { return end.Add(48 * time.Hour) },
		Chaos: dexsim.Chaos{Kinds: chaos, RecordRate: 0.3},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range sim.Users() {
		access := signIn(t, sim, user)
		for _, r := range resources {
			query := "?startDate=2026-03-08T00:00:00&endDate=2026-03-23T00:00:00"
			if r == dexcom.DataRange || r == dexcom.Devices {
				query = ""
			}
			request := httptest.NewRequest(http.MethodGet, "/v3/users/self/"+string(r)+query, nil)
			request.Header.Set("Authorization", "Bearer "+access)
			each(r, ask(t, sim, request))
		}
	}
}

// signIn returns an access token of user, from an answer that holds, too.
func signIn(t *testing.T, sim *dexsim.Server, user string) (access string) {
	t.Helper()
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {sim.RefreshToken(user)},
		"client_id": {dexsim.DefaultClientID}, "client_secret": {dexsim.DefaultClientSecret}}
	fields := map[string]string{}
	for name := range form {
		fields[name] = form.Get(name)
	}
	asked, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	validatorOf(t, "token-request").holds(t, "a form", asked)
	request := httptest.NewRequest(http.MethodPost, "/v2/oauth2/token", strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	body := ask(t, sim, request)
	validatorOf(t, "token-response").holds(t, "an answer", body)
	return parsed(t, body).(map[string]any)["access_token"].(string)
}

func ask(t *testing.T, sim *dexsim.Server, request *http.Request) []byte {
	t.Helper()
	answer := httptest.NewRecorder()
	sim.ServeHTTP(answer, request)
	if answer.Code != http.StatusOK {
		t.Fatalf("%s: %d %s", request.URL, answer.Code, answer.Body)
	}
	return answer.Body.Bytes()
}
