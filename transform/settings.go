package transform

import (
	"bytes"
	"math"

	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// A setting is one row of alert_settings, numbers read.
type setting struct {
	schedule, index          int16
	of                       *dexcom.ScheduleSettings
	sent                     dexcom.AlertSetting
	value                    maybe[float64]
	snooze, delay, secondary maybe[int32]
	extra                    []byte

	mode, name, unit, theme, output []byte // canonical
}

// maxRepeated is how much the settings of a device may repeat in all; those of a
// real one have some 20 kB.
const maxRepeated = 256 << 10

// repeatedBytes is about how much the settings of r repeat: every one has a row,
// with what its schedule and its device say.
func repeatedBytes(r *dexcom.Device) (bytes int) {
	const row = 256
	device := len(r.TransmitterID) + len(r.TransmitterGeneration) + len(r.TransmitterGenerationVariant) + len(r.DisplayDevice) + len(r.DisplayApp)
	for i := range r.Schedules {
		s := &r.Schedules[i]
		bytes += max(1, len(s.Settings)) * (row + device + s.Own)
	}
	return bytes
}

// settingsOf reads all the settings of r: those of a schedule without any are
// one row that says only when it holds.
func settingsOf(w *applier, r *dexcom.Device) ([]setting, *reject) {
	if len(r.Schedules) > math.MaxInt16 {
		return nil, &reject{OutOfRange, "alertSchedules"}
	}
	if repeatedBytes(r) > maxRepeated {
		return nil, &reject{dexcom.TooMany, "alertSettings"}
	}
	var rows []setting
	for i := range r.Schedules {
		schedule := &r.Schedules[i]
		settings := schedule.Settings
		if len(settings) > math.MaxInt16 {
			return nil, &reject{OutOfRange, "alertSettings"}
		}
		if len(settings) == 0 {
			settings = make([]dexcom.AlertSetting, 1)
		}
		for j := range settings {
			row, bad := settingOf(w, schedule, settings[j])
			if bad != nil {
				return nil, bad
			}
			row.schedule, row.index = int16(i), int16(j)
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func settingOf(w *applier, schedule *dexcom.AlertSchedule, s dexcom.AlertSetting) (row setting, bad *reject) {
	w.extra.reset()
	row = setting{of: &schedule.Schedule, sent: s}
	if row.value, bad = w.float("value", s.Value); bad != nil {
		return row, bad
	}
	for _, n := range []struct {
		field string
		from  dexcom.Number
		to    *maybe[int32]
	}{
		{"snooze", s.Snooze, &row.snooze},
		{"delay", s.Delay, &row.delay},
		{"secondaryTriggerCondition", s.SecondaryTriggerCondition, &row.secondary},
	} {
		if *n.to, bad = w.integer(n.field, n.from); bad != nil {
			return row, bad
		}
	}
	row.mode = w.enum(overrideModes, row.of.Override.Mode)
	row.name = w.enum(alertNames, s.Name)
	row.unit = w.enum(settingUnits, s.Unit)
	row.theme = w.enum(soundThemes, s.SoundTheme)
	row.output = w.enum(outputModes, s.SoundOutputMode)
	w.pair("systemTime", s.SystemTime, "displayTime", s.DisplayTime)
	w.unknown("", s.Extra)
	w.unknown("alertSchedules.", schedule.Extra)
	w.unknown("alertScheduleSettings.", row.of.Extra)
	w.unknown("override.", row.of.Override.Extra)
	row.extra = bytes.Clone(w.extra.json())
	return row, nil
}

// A settingTable builds alert_settings.
type settingTable struct {
	versionColumns
	schedule, index                            *array.Int16Builder
	scheduleName                               *array.StringBuilder
	isDefault, scheduleEnabled, scheduleActive *array.BooleanBuilder
	startTime, endTime, days                   *array.StringBuilder
	overrideEnabled                            *array.BooleanBuilder
	overrideMode, overrideEnd, name            *array.StringBuilder
	value                                      *array.Float64Builder
	unit                                       *array.StringBuilder
	snooze                                     *array.Int32Builder
	enabled                                    *array.BooleanBuilder
	delay, secondary                           *array.Int32Builder
	theme, output                              *array.StringBuilder
	system, display                            *array.TimestampBuilder
}

func newSettingTable(w *applier) settingTable {
	b := w.table(alertSettings(), 0)
	return settingTable{
		versionColumns:  newVersionColumns(b),
		schedule:        column[*array.Int16Builder](b, "schedule_index"),
		index:           column[*array.Int16Builder](b, "setting_index"),
		scheduleName:    column[*array.StringBuilder](b, "schedule_name"),
		isDefault:       column[*array.BooleanBuilder](b, "is_default_schedule"),
		scheduleEnabled: column[*array.BooleanBuilder](b, "schedule_enabled"),
		scheduleActive:  column[*array.BooleanBuilder](b, "schedule_active"),
		startTime:       column[*array.StringBuilder](b, "start_time"),
		endTime:         column[*array.StringBuilder](b, "end_time"),
		days:            column[*array.StringBuilder](b, "days_of_week"),
		overrideEnabled: column[*array.BooleanBuilder](b, "override_enabled"),
		overrideMode:    column[*array.StringBuilder](b, "override_mode"),
		overrideEnd:     column[*array.StringBuilder](b, "override_end_time"),
		name:            column[*array.StringBuilder](b, "alert_name"),
		value:           column[*array.Float64Builder](b, "value"),
		unit:            column[*array.StringBuilder](b, "unit"),
		snooze:          column[*array.Int32Builder](b, "snooze_min"),
		enabled:         column[*array.BooleanBuilder](b, "enabled"),
		delay:           column[*array.Int32Builder](b, "delay_min"),
		secondary:       column[*array.Int32Builder](b, "secondary_trigger_condition"),
		theme:           column[*array.StringBuilder](b, "sound_theme"),
		output:          column[*array.StringBuilder](b, "sound_output_mode"),
		system:          column[*array.TimestampBuilder](b, "setting_system_time"),
		display:         column[*array.TimestampBuilder](b, "setting_display_time"),
	}
}

func (t *settingTable) add(w *applier, o origin, s setting) {
	t.schedule.Append(s.schedule)
	t.index.Append(s.index)
	putText(t.scheduleName, s.of.Name)
	putBool(t.isDefault, s.of.IsDefault)
	putBool(t.scheduleEnabled, s.of.Enabled)
	putBool(t.scheduleActive, s.of.Active)
	putText(t.startTime, s.of.StartTime)
	putText(t.endTime, s.of.EndTime)
	putText(t.days, days(s.of.Days))
	putBool(t.overrideEnabled, s.of.Override.Enabled)
	putText(t.overrideMode, s.mode)
	putText(t.overrideEnd, s.of.Override.EndTime)
	putText(t.name, s.name)
	put(t.value, s.value)
	putText(t.unit, s.unit)
	put(t.snooze, s.snooze)
	putBool(t.enabled, s.sent.Enabled)
	put(t.delay, s.delay)
	put(t.secondary, s.secondary)
	putText(t.theme, s.theme)
	putText(t.output, s.output)
	putTime(t.system, s.sent.SystemTime.UTC(), s.sent.SystemTime.Valid)
	putTime(t.display, s.sent.DisplayTime.Wall, s.sent.DisplayTime.Valid)
	t.put(w, o, s.extra)
}

// days is the list as sent with commas between; nil if none was sent, empty if
// an empty one was.
func days(list []dexcom.Text) []byte {
	if list == nil {
		return nil
	}
	texts := make([][]byte, len(list))
	for i, day := range list {
		texts[i] = day
	}
	return bytes.Join(texts, []byte(","))
}

func putBool(b *array.BooleanBuilder, v dexcom.Bool) {
	switch v {
	case dexcom.Unsent:
		b.AppendNull()
	default:
		b.Append(v == dexcom.Yes)
	}
}
