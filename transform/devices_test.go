package transform

import (
	"testing"

	"github.com/dexetl/dexetl/extract/dexcom"
)

func TestDevices(t *testing.T) {
	const at = "2026-04-01T12:00:00"
	got := one(t, dexcom.Devices, "devices", `{"transmitterId":"","transmitterGeneration":"G7","transmitterGenerationVariant":"d1+","displayDevice":"iOS",
		"displayApp":"G7","lastUploadDate":"2026-03-05T18:06:00Z","battery":0.8,"alertSchedules":[{},{}]}`)
	expect(t, "device", got, row{
		"participant_id": "P001", "connection_id": "C1", "source": "api", "request_id": "R1", "first_seen_at": at, "valid_from": at, "valid_to": absent{},
		"transmitter_id": absent{}, "transmitter_generation": "g7", "transmitter_generation_variant": "d1+", "display_device": "iOS", "display_app": "G7",
		"last_upload_date": "2026-03-05T18:06:00", "n_alert_schedules": 2, "extra": `{"battery":0.8,"sent":{"transmitterGeneration":"G7"}}`,
	})
	// 10: nothing but a device, no uploads, no schedules.
	for _, record := range []string{`{"displayDevice":"receiver","alertSchedules":[]}`, `{"displayDevice":"receiver"}`, `{"displayDevice":"receiver","lastUploadDate":null}`} {
		got := apply(t, answerOf(dexcom.Devices, pageOf(dexcom.Devices, record)))
		expect(t, record, got.rows["devices"][0], row{"last_upload_date": absent{}, "n_alert_schedules": 0, "transmitter_id": absent{}})
		if len(got.rows["alert_settings"]) != 0 {
			t.Errorf("%s: alert_settings %v, want none", record, got.rows["alert_settings"])
		}
	}
}

func TestAlertSettings(t *testing.T) {
	got := apply(t, answerOf(dexcom.Devices, pageOf(dexcom.Devices, `{"displayDevice":"iOS","transmitterGeneration":"g7","alertSchedules":[
		{"alertScheduleSettings":{"alertScheduleName":"","isEnabled":true,"isDefaultSchedule":true,"startTime":"0:00","endTime":"00:00","isActive":false,
			"daysOfWeek":["sunday","","sunday"],"quietHours":1,"override":{"isOverrideEnabled":true,"mode":"QUIET","endTime":"2026-03-06T10:49:22.123-08:00","by":"user"}},
		 "alertSettings":[
			{"alertName":"rise","value":3,"unit":"mg/dL/min","snooze":null,"enabled":false,"delay":5,"SecondaryTriggerCondition":180,
			 "systemTime":"2026-01-05T17:53:03Z","displayTime":"2026-01-05T09:52:48-07:59:59","soundTheme":"modern","soundOutputMode":"vibrates"},
			{"alertName":"fall","value":-3,"snooze":28},
			{"alertName":"fall","value":2.5,"unit":"mmol/L/min","enabled":true,"secondaryTriggerCondition":"70"},
			null],
		 "site":"left"},
		{"alertScheduleSettings":{"alertScheduleName":"Night","startTime":"11:00 PM","endTime":"31:00","daysOfWeek":[]},"alertSettings":[]},
		{}
	]}`)))
	if len(got.rows["alert_settings"]) != 6 || len(got.rows["devices"]) != 1 {
		t.Fatalf("%v; want 6 settings of one device", got.rows)
	}
	schedule := `"alertScheduleSettings.quietHours":1,"alertSchedules.site":"left","override.by":"user"`
	for i, want := range []row{
		{
			"schedule_index": 0, "setting_index": 0, "schedule_name": "", "is_default_schedule": true, "schedule_enabled": true, "schedule_active": false,
			"start_time": "0:00", "end_time": "00:00", "days_of_week": "sunday,,sunday", // 11
			"override_enabled": true, "override_mode": "quiet", "override_end_time": "2026-03-06T10:49:22.123-08:00",
			"alert_name": "rise", "value": 3.0, "unit": "mg/dL/min", "snooze_min": absent{}, "enabled": false, "delay_min": 5,
			"secondary_trigger_condition": 180, // 12
			"sound_theme":                 "modern", "sound_output_mode": "vibrate",
			"setting_system_time": "2026-01-05T17:53:03", "setting_display_time": "2026-01-05T09:52:48",
			"extra":          `{` + schedule + `,"sent":{"displayTime":"2026-01-05T09:52:48-07:59:59","mode":"QUIET","soundOutputMode":"vibrates"}}`,
			"participant_id": "P001", "display_device": "iOS", "transmitter_generation": "g7", "valid_from": "2026-04-01T12:00:00", "valid_to": absent{},
		},
		{"setting_index": 1, "alert_name": "fall", "value": -3.0, "snooze_min": 28, "enabled": absent{}, "unit": absent{}}, // 11
		{"setting_index": 2, "alert_name": "fall", "value": 2.5, "unit": "mmol/L/min", "enabled": true, "secondary_trigger_condition": 70},
		{"setting_index": 3, "alert_name": absent{}, "value": absent{}},
		{"schedule_index": 1, "setting_index": 0, "schedule_name": "Night", "start_time": "11:00 PM", "end_time": "31:00", "days_of_week": "",
			"is_default_schedule": absent{}, "alert_name": absent{}, "extra": absent{}}, // 11 and 12
		{"schedule_index": 2, "setting_index": 0, "schedule_name": absent{}, "days_of_week": absent{}, "alert_name": absent{}},
	} {
		expect(t, "setting", got.rows["alert_settings"][i], want)
	}
	if extra := got.rows["devices"][0]["extra"]; extra != nil {
		t.Errorf("extra of the device is %v; what its settings have is theirs", extra)
	}
}

// The hash tells versions apart and nothing else.
func TestContentHash(t *testing.T) {
	hash := func(record string) any { return one(t, dexcom.Devices, "devices", record)["content_hash"] }
	const settings = `"alertSchedules":[{"alertSettings":[{"alertName":"high","value":250,"systemTime":"2026-01-05T17:53:03Z"}]}]`
	first := hash(`{"displayDevice":"iOS","lastUploadDate":"2026-03-05T18:06:00Z",` + settings + `}`)
	for _, same := range []string{
		`{` + settings + `,"displayDevice":"iOS","lastUploadDate":"2026-03-06T18:06:00Z"}`,
		`{"displayDevice":"iOS",` + settings + `}`,
		`{"displayDevice":"iOS","displayApp":null,` + settings + `}`,
		`{"displayDevice":"\u0069OS","alertSchedules":[{"alertSettings":[{"value":250,"alertName":"high","displayTime":"2026-01-05T17:53:03Z","unit":null}]}]}`,
	} {
		if got := hash(same); got != first {
			t.Errorf("%s: hash differs from that of the same content", same)
		}
	}
	for _, other := range []string{
		`{"displayDevice":"android",` + settings + `}`,
		`{"displayDevice":"iOS"}`,
		`{"displayDevice":"iOS","alertSchedules":[{"alertSettings":[{"alertName":"high","value":240}]}]}`,
		`{"displayDevice":"iOS","new":1,` + settings + `}`,
	} {
		if got := hash(other); got == first {
			t.Errorf("%s: hash is that of other content", other)
		}
	}
}

// A device whose settings cannot be read leaves no row behind, here or there.
func TestDeviceRejectsWhole(t *testing.T) {
	got := apply(t, answerOf(dexcom.Devices, pageOf(dexcom.Devices,
		`{"displayDevice":"iOS","alertSchedules":[{"alertSettings":[{"alertName":"high"},{"alertName":"low","delay":0.5}]}]}`)))
	if len(got.rows) != 1 || len(got.rows["rejects"]) != 1 {
		t.Fatalf("%v; want a reject alone", got.rows)
	}
	expect(t, "delay", got.rows["rejects"][0], row{"reason": string(NotWhole), "field": "delay", "resource": "devices"})
}
