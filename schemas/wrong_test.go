package schemas

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// huge is a text of more than 64 kB, as JSON.
var huge = `"` + strings.Repeat("x", 64<<10+1) + `"`

// wrong are documents that no type takes, each as changes to the example of one: a place
// and what stands there; without a value it is missing, without a place it is all.
var wrong = map[string][]string{
	"egv-record":             {"systemTime", "displayTime", "transmitterGeneration", "systemTime=null", "systemTime=1741964531", `systemTime="2026-02-30T00:00:00Z"`, `value="112"`, "value=112.5", "value=-1", "value=true", "trend=7", `trendRate="-0.4"`, "status={}"},
	"egvs-response":          {"recordType", "recordVersion", "userId", "records", "records=null", "records={}", `records=["x"]`, "records/0/systemTime", `recordType="event"`, `recordType=null`, `recordVersion=3.0`, `recordVersion=""`},
	"event-record":           {"eventType", "eventStatus", "systemTime", "eventType=null", "value=true", "value=[]", "unit=1", `recordedSystemTime="yesterday"`},
	"events-response":        {"records", `recordType="alert"`, "records/0/eventType"},
	"calibration-record":     {"value", "value=null", `value="118"`, "transmitterTicks=-1", "transmitterTicks=1.5", `transmitterTicks="254731"`},
	"calibrations-response":  {"records", `recordType="egv"`, "records/0/value=null"},
	"alert-record":           {"alertName", "alertState", "alertName=null", "alertState=1"},
	"alerts-response":        {"records", `recordType="event"`, "records/0/alertName"},
	"alert-schedule":         {"alertScheduleSettings", "alertSettings", "alertSettings=null", "alertSettings=[null]", "alertScheduleSettings=[]"},
	"alert-setting":          {"alertName", "enabled", "enabled=null", `enabled="true"`, "value=2147483648", "value=70.5", `snooze="30"`, "SecondaryTriggerCondition=80"},
	"device-record":          {"displayDevice", "alertSchedules", "alertSchedules=null", "alertSchedules=[null]", `lastUploadDate=""`},
	"devices-response":       {"records", `recordType="devices "`, "records/0/alertSchedules/0/alertSettings/0/enabled=1"},
	"data-range-moment":      {"systemTime", "displayTime", "systemTime=null", `displayTime="now"`},
	"data-range-window":      {"start", "end", "start=null", "end/systemTime"},
	"data-range-response":    {"userId", "egvs=[]", "egvs/start", `recordType="egv"`},
	"token-request":          {"client_id", "client_secret", "grant_type", `grant_type="password"`, "grant_type=null", `client_id=""`},
	"token-response":         {"access_token", "refresh_token", "expires_in", `expires_in="7200"`, "expires_in=-1", "access_token=null", `access_token=""`},
	"glucose-unit":           {"=1", "=null"},
	"rate-unit":              {"=1", "=null"},
	"trend-type":             {"=1", "=null"},
	"egv-status":             {"=1", "=null"},
	"event-type":             {"=1", "=null"},
	"event-status":           {"=1", "=null"},
	"alert-name":             {"=1", "=null"},
	"alert-state":            {"=1", "=null"},
	"transmitter-generation": {"=7", "=null"},
	"date-time":              {"=1741964531", "=null", `=""`, `="2026-03-14"`, `="14.03.2026 08:02"`, `="2023-02-29T00:00:00Z"`},
}

// Wrong documents of every type are refused.
func TestWrong(t *testing.T) {
	for _, of := range types() {
		v := validatorOf(t, of.Name)
		changes := slices.Concat(wrong[of.Name], wrongBy(of), []string{"=[]", "=true", "=" + huge})
		if len(of.Fields) == 0 && wrong[of.Name] == nil {
			changes = append(changes, "=1", "=null")
		}
		for _, change := range changes {
			document := changed(t, of, change)
			if v.compiled.Validate(document) == nil {
				t.Errorf("%s takes %.100s", of.Name, change)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wrong)) {
		if types().named(name).Name == "" {
			t.Errorf("there is no type %s", name)
		}
	}
}

// wrongBy are the changes that the fields of a type forbid, each field alone.
func wrongBy(of dexcom.Type) (changes []string) {
	if of.Closed {
		changes = append(changes, `="nothing like it"`)
	}
	for _, f := range of.Fields {
		instead := func(value string) { changes = append(changes, f.Name+"="+value) }
		if f.Required {
			changes = append(changes, f.Name)
		}
		if !f.Null {
			instead("null")
		}
		if f.Kind != dexcom.IsBool {
			instead("false")
		}
		if f.Kind != dexcom.IsObject {
			instead("{}")
		}
		instead(huge)
		switch f.Kind {
		case dexcom.IsWhole, dexcom.IsReal:
			instead(strconv.FormatInt(f.Max+1, 10))
			instead(strconv.FormatInt(f.Min-1, 10))
		case dexcom.IsList:
			if f.Max > 1000 { // records, of which the parser would make too much
				break
			}
			instead("[" + strings.Repeat("null,", int(f.Max)) + "null]")
		}
		changes = append(changes, capital(f.Name)+"=null")
	}
	return changes
}

// changed is the example of a type, changed.
func changed(t *testing.T, of dexcom.Type, how string) any {
	t.Helper()
	text, err := json.Marshal(types().example(of))
	if err != nil {
		t.Fatal(err)
	}
	document := parsed(t, text)
	at, value, _ := strings.Cut(how, "=")
	if at == "" {
		return parsed(t, []byte(value))
	}
	change(t, document, at, value)
	return document
}

// A member that is not known is welcome in every object.
func TestUnknownMembers(t *testing.T) {
	for _, of := range types() {
		if of.Fields == nil {
			continue
		}
		for i, value := range []string{"null", "1", `"new"`, `{"a":[1]}`} {
			document := changed(t, of, fmt.Sprintf("somethingNew%d=%s", i, value))
			if err := validatorOf(t, of.Name).compiled.Validate(document); err != nil {
				t.Errorf("%s with %s: %v", of.Name, value, err)
			}
		}
	}
}
