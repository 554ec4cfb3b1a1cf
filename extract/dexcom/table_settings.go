package dexcom

import "math"

// whole32 is a whole number of 32 bits that may be null.
func whole32(name, unit, comment, evidence, example string) Field {
	return Field{Name: name, Kind: IsWhole, Null: true, Min: math.MinInt32, Max: math.MaxInt32, Unit: unit,
		Comment: comment, Evidence: evidence, Example: example}
}

var alertSetting = table[AlertSetting]{"alert-setting", "Alert Setting",
	"One alert's threshold and sounds.",
	[]row[AlertSetting]{
		{Field{Name: "alertName", Kind: IsEnum, Of: alertName.Name, Required: true,
			Comment:  "The alert that is set.",
			Evidence: "documented; rise in Dexcom's sample",
			Example:  `"high"`}, func(s *AlertSetting) any { return &s.Name }},
		{whole32("value", "",
			"The threshold, in the field unit: high 120 to 400, low 60 to 100, rise and fall 2 or 3, outOfRange 20 to 240. Null and absent: none.",
			"documented, nullable; Tidepool's client takes wider ranges, and has seen fall negative",
			"200"), func(s *AlertSetting) any { return &s.Value }},
		{Field{Name: "unit", Kind: IsEnum, Of: settingUnit.Name, Null: true,
			Comment:  "The unit of value. Null and absent: none.",
			Evidence: "documented, nullable; mg/dL/min in Dexcom's sample",
			Example:  `"mg/dL"`}, func(s *AlertSetting) any { return &s.Unit }},
		{whole32("snooze", "minutes",
			"For how long the alert stays silent after it was snoozed, 0 to 600. Null and absent: not told.",
			"documented, nullable; null in Dexcom's sample, and Tidepool's client has seen 28 for 30",
			"30"), func(s *AlertSetting) any { return &s.Snooze }},
		{Field{Name: "enabled", Kind: IsBool, Required: true,
			Comment:  "Whether the alert is switched on.",
			Evidence: "documented; false in Dexcom's sample",
			Example:  "true"}, func(s *AlertSetting) any { return &s.Enabled }},
		{Field{Name: "systemTime", Kind: IsTime, Null: true,
			Comment:  "When the person last changed the setting, in UTC by the device's clock. Null and absent: not told.",
			Evidence: "documented, nullable; in Dexcom's sample",
			Example:  `"2026-02-02T17:53:03Z"`}, func(s *AlertSetting) any { return &s.SystemTime }},
		{Field{Name: "displayTime", Kind: IsTime, Null: true,
			Comment:  "The device's wall clock when the setting was last changed. Null and absent: not told.",
			Evidence: "documented, nullable; with the offset -06:59:59 in Dexcom's sample",
			Example:  `"2026-02-02T09:53:03-08:00"`}, func(s *AlertSetting) any { return &s.DisplayTime }},
		{whole32("delay", "minutes",
			"How long the value must be beyond the threshold before the alert sounds. Null and absent: none.",
			"documented, nullable; Tidepool's client takes it with high alone",
			"0"), func(s *AlertSetting) any { return &s.Delay }},
		{secondaryTrigger(), func(s *AlertSetting) any { return &s.SecondaryTriggerCondition }},
		{Field{Name: "soundTheme", Kind: IsEnum, Of: soundTheme.Name, Null: true,
			Comment:  "The set of sounds of the alert. Null and absent: not told.",
			Evidence: "documented, nullable",
			Example:  `"modern"`}, func(s *AlertSetting) any { return &s.SoundTheme }},
		{Field{Name: "soundOutputMode", Kind: IsEnum, Of: soundOutputMode.Name, Null: true,
			Comment:  "How the alert makes itself heard. Null and absent: not told.",
			Evidence: "documented, nullable",
			Example:  `"match"`}, func(s *AlertSetting) any { return &s.SoundOutputMode }},
	}}

func secondaryTrigger() Field {
	f := whole32("secondaryTriggerCondition", "mg/dL",
		"Of rise and fall: a glucose value that must also be crossed. Null and absent: none.",
		"documented, nullable; with a capital S in Dexcom's sample, and RADAR-base's client reads both",
		"null")
	f.Spelt = "SecondaryTriggerCondition"
	return f
}
