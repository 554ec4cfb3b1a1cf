package dexcom

import "slices"

// As many as fit the rows of a device, and more than any has: there are ten alerts, of
// which a schedule may have some twice.
const (
	maxSchedules = 12
	maxSettings  = 24
	maxDays      = 14
)

var deviceRecord = table[Device]{"device-record", "Device Record",
	"A display device with its alert settings, as of its last upload. It has no record id.",
	slices.Concat([]row[Device]{
		{Field{Name: "lastUploadDate", Kind: IsTime, Null: true,
			Comment:  "When the device last sent something, by Dexcom's servers, UTC. Null and absent: not told.",
			Evidence: "documented as required; Tidepool's client has seen it missing",
			Example:  `"2026-03-14T15:05:02Z"`}, func(d *Device) any { return &d.LastUpload }},
		{Field{Name: "alertSchedules", Kind: IsList, Of: "alert-schedule", Required: true, Max: maxSchedules,
			Comment:  "The device's alert settings. A receiver's list is empty.",
			Evidence: "documented, required; Tidepool's client has seen [] for receivers"}, func(d *Device) any { return reading(d.schedules) }},
	}, within(func(d *Device) *Origin { return &d.Origin }, originRows(true)))}

var alertSchedule = table[AlertSchedule]{"alert-schedule", "Alert Schedule",
	"A set of alert settings and when it holds.",
	[]row[AlertSchedule]{
		{Field{Name: "alertScheduleSettings", Kind: IsObject, Of: "alert-schedule-settings", Required: true,
			Comment:  "When the schedule holds.",
			Evidence: "documented; in Dexcom's sample"}, func(s *AlertSchedule) any { return &s.Schedule }},
		{Field{Name: "alertSettings", Kind: IsList, Of: "alert-setting", Required: true, Max: maxSettings,
			Comment:  "A setting for each alert. Tidepool's client has seen an alert twice, and takes the later one.",
			Evidence: "documented; in Dexcom's sample"}, func(s *AlertSchedule) any { return reading(s.settings) }},
	}}

var scheduleSettings = table[ScheduleSettings]{"alert-schedule-settings", "Alert Schedule Settings",
	"When a schedule of alerts holds.",
	[]row[ScheduleSettings]{
		{Field{Name: "alertScheduleName", Kind: IsText, Required: true,
			Comment:  "The schedule's name; empty for the default schedule.",
			Evidence: "documented; empty in Dexcom's sample",
			Example:  `""`}, func(s *ScheduleSettings) any { return &s.Name }},
		{Field{Name: "isEnabled", Kind: IsBool, Required: true,
			Comment:  "Whether the schedule is switched on.",
			Evidence: "documented; in Dexcom's sample",
			Example:  "true"}, func(s *ScheduleSettings) any { return &s.Enabled }},
		{Field{Name: "isDefaultSchedule", Kind: IsBool,
			Comment:  "Whether the schedule holds when no other does. Absent: not told.",
			Evidence: "documented as required; absent from Dexcom's sample",
			Example:  "true"}, func(s *ScheduleSettings) any { return &s.IsDefault }},
		{Field{Name: "isActive", Kind: IsBool, Null: true,
			Comment:  "Whether the schedule holds right now. Null and absent: not told.",
			Evidence: "documented, nullable; false in Dexcom's sample",
			Example:  "true"}, func(s *ScheduleSettings) any { return &s.Active }},
		{Field{Name: "startTime", Kind: IsText, Required: true,
			Comment:  "The time of day at which the schedule begins, as HH:mm; 00:00 of the default schedule.",
			Evidence: "documented; 00:00 in Dexcom's sample, and Tidepool's client has seen 0:00 and AM, PM, A, P",
			Example:  `"00:00"`}, func(s *ScheduleSettings) any { return &s.StartTime }},
		{Field{Name: "endTime", Kind: IsText, Required: true,
			Comment:  "The time of day at which the schedule ends, as HH:mm.",
			Evidence: "documented; as startTime, and Tidepool's client has seen hours up to 47 for past midnight",
			Example:  `"00:00"`}, func(s *ScheduleSettings) any { return &s.EndTime }},
		{Field{Name: "override", Kind: IsObject, Of: "alert-schedule-override", Null: true,
			Comment:  "What silences alerts for a while. Null and absent: nothing.",
			Evidence: "documented, nullable; in Dexcom's sample",
			Example:  "null"}, func(s *ScheduleSettings) any { return &s.Override }},
		{Field{Name: "daysOfWeek", Kind: IsList, Of: dayOfWeek.Name, Required: true, Max: maxDays,
			Comment:  "The days on which the schedule holds.",
			Evidence: "documented; in Dexcom's sample, and Tidepool's client has seen an empty text among them",
			Example:  `["sunday","monday","tuesday","wednesday","thursday","friday","saturday"]`}, func(s *ScheduleSettings) any { return reading(s.days) }},
	}}

var scheduleOverride = table[Override]{"alert-schedule-override", "Alert Schedule Override",
	"What silences the alerts of a schedule for a while.",
	[]row[Override]{
		{Field{Name: "isOverrideEnabled", Kind: IsBool,
			Comment:  "Whether alerts are silenced. Absent: not told.",
			Evidence: "documented; true in Dexcom's sample",
			Example:  "true"}, func(o *Override) any { return &o.Enabled }},
		{Field{Name: "mode", Kind: IsEnum, Of: overrideMode.Name,
			Comment:  "How alerts are silenced. Absent: not told.",
			Evidence: "documented; quiet in Dexcom's sample",
			Example:  `"quiet"`}, func(o *Override) any { return &o.Mode }},
		{Field{Name: "endTime", Kind: IsText,
			Comment:  "When the silence ends: a time with an offset and milliseconds. Absent: not told.",
			Evidence: "documented; in Dexcom's sample",
			Example:  `"2026-03-14T11:30:00.000-07:00"`}, func(o *Override) any { return &o.EndTime }},
	}}
