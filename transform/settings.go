package transform

import (
	"bytes"
	"math"

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
	if row.snooze, bad = w.integer("snooze", s.Snooze); bad != nil {
		return row, bad
	}
	if row.delay, bad = w.integer("delay", s.Delay); bad != nil {
		return row, bad
	}
	if row.secondary, bad = w.integer("secondaryTriggerCondition", s.SecondaryTriggerCondition); bad != nil {
		return row, bad
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

// put appends the columns of s's own.
func (s *setting) put(t *table) {
	put(t, some(s.schedule))
	put(t, some(s.index))
	t.texts(s.of.Name)
	t.flag(s.of.IsDefault)
	t.flag(s.of.Enabled)
	t.flag(s.of.Active)
	t.texts(s.of.StartTime, s.of.EndTime, days(s.of.Days))
	t.flag(s.of.Override.Enabled)
	t.texts(s.mode, s.of.Override.EndTime, s.name)
	put(t, s.value)
	t.texts(s.unit)
	put(t, s.snooze)
	t.flag(s.sent.Enabled)
	put(t, s.delay)
	put(t, s.secondary)
	t.texts(s.theme, s.output)
	t.system(s.sent.SystemTime)
	t.display(s.sent.DisplayTime)
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
