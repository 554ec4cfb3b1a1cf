package dexsim

import (
	"slices"
	"time"
)

// devices are the display devices that have uploaded something visible, as
// the devices endpoint lists them now.
func (v view) devices() []Device {
	var list []Device
	for _, d := range v.person.devices() {
		if x, ok := v.device(d); ok {
			list = append(list, x)
		}
	}
	return list
}

// device is one of the person's devices, if anything of it can be seen.
func (v view) device(d device) (Device, bool) {
	var newest *egv
	last := int64(0)
	for i := range v.egvs {
		e := &v.egvs[i]
		if _, _, ok := e.seen(v); e.device == d && ok {
			newest, last = e, max(last, e.upload)
		}
	}
	if newest == nil {
		return Device{}, false
	}
	p := v.person
	x := Device{
		LastUpload: utc(last / second * second), TransmitterID: v.transmitters[v.sensors[newest.session].transmitter],
		Generation: p.generation, Variant: p.variant, Schedules: []Schedule{},
	}
	x.Device, x.App = p.shows(d)
	if d == phone && p.replay == nil {
		x.Schedules = p.schedules()
	}
	v.disturbDevice(&x)
	return x, true
}

func week() []string {
	return []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
}

// schedules are the person's alert settings: the default schedule and, for
// some, another one for the night.
func (p *person) schedules() []Schedule {
	changed := p.start - 30*day
	settings := p.settings(changed)
	list := []Schedule{{
		Enabled: true, Default: new(true), Start: "00:00", End: "00:00", Days: week(), Active: new(true),
		Settings: settings,
	}}
	if hash(p.seed, forSettings)%2 == 0 {
		return list
	}
	end := changed + 8*hour + 123
	list[0].Active, list[0].OverrideEnabled, list[0].OverrideMode = new(false), new(true), "quiet"
	list[0].OverrideEnd = string(appendClock(nil, end+int64(p.offsetAt(end))*second, false)) + offsetText(p.offsetAt(end))
	night := Schedule{
		Name: "Night", Enabled: true, Default: new(false), Start: "22:00", End: "07:00",
		Days: week()[1:6], Active: new(true), Settings: slices.Clone(settings[:2]),
	}
	return append(list, night)
}

// settings are the thresholds that the person's alarms sound at.
func (p *person) settings(changed int64) []Setting {
	offset := p.offsetAt(changed)
	set := func(name string, value int, unit string, snooze int) Setting {
		return Setting{
			Name: name, Value: &value, Unit: unit, SnoozeMin: &snooze, Enabled: true,
			SystemTime: utc(changed), DisplayTime: utc(changed + int64(offset)*second), OffsetSeconds: &offset,
			SoundTheme: "modern", SoundOutputMode: "match",
		}
	}
	high := set("high", int(p.highAlert), "mg/dL", 60)
	high.DelayMin = new(0)
	list := []Setting{high, set("low", lowAlert, "mg/dL", 30)}
	if !p.fewAlerts {
		rise, fall := set("rise", rateAlert, "mg/dL/min", 0), set("fall", rateAlert, "mg/dL/min", 0)
		rise.SnoozeMin, fall.SnoozeMin = nil, nil
		rise.SecondaryTrigger, fall.SecondaryTrigger = new(180), new(100)
		list = append(list, rise, fall,
			set("urgentLow", urgentLowAlert, "mg/dL", 30), set("urgentLowSoon", urgentLowAlert, "mg/dL", 30))
	}
	return append(list, set("outOfRange", 20, "minutes", 0), set("noReadings", 20, "minutes", 0))
}

// disturbDevice applies the anomalies of devices; which ones depends on the
// person alone, since a device is asked for again and again.
func (v view) disturbDevice(x *Device) {
	kinds, p := v.cfg.Chaos.Kinds, v.person
	suffers := func(k Kinds, oneIn uint64) bool {
		return kinds.Has(k) && hash(p.seed, forSettings, uint64(k))%oneIn == 0
	}
	if suffers(NoUploadDate, 3) {
		x.LastUpload = time.Time{}
	}
	if suffers(NoTransmitter, 3) {
		x.TransmitterID = ""
	}
	if suffers(ExtraFields, 2) {
		x.Extra = `{"firmware":"1.7.2","sensorLot":"A17"}`
	}
	for i := range x.Schedules {
		s := &x.Schedules[i]
		if suffers(OffsetSeconds, 2) {
			s.secondOff()
		}
		if suffers(CapitalTrigger, 2) {
			s.Default, s.triggerWithCapital = nil, true
		}
		if suffers(DoubleSettings, 2) {
			s.double()
		}
		if suffers(OddSchedules, 2) {
			s.odd(hash(p.seed, forSettings))
		}
	}
}

// secondOff makes the offsets of the settings' times a second less than whole
// minutes, as in Dexcom's own sample.
func (s *Schedule) secondOff() {
	for i := range s.Settings {
		x := &s.Settings[i]
		x.OffsetSeconds = new(*x.OffsetSeconds - 1)
		x.DisplayTime = x.SystemTime.Add(time.Duration(*x.OffsetSeconds) * time.Second)
	}
}

// double repeats the second setting with a later time, snoozes for 28 minutes
// and lets fall be negative.
func (s *Schedule) double() {
	again := s.Settings[1]
	again.Value, again.SnoozeMin = new(*again.Value+5), new(28)
	again.SystemTime, again.DisplayTime = again.SystemTime.Add(48*time.Hour), again.DisplayTime.Add(48*time.Hour)
	settings := slices.Clone(s.Settings)
	for i := range settings {
		if settings[i].Name == "fall" {
			settings[i].Value = new(-rateAlert)
		}
	}
	s.Settings = append(settings, again)
}

// odd gives the schedule times and days as seen in the wild.
func (s *Schedule) odd(u uint64) {
	shapes := [...][2]string{{"0:00", "0:00"}, {"10:30 PM", "7:15 AM"}, {"22:00", "31:00"}, {"9:00P", "6:00A"}}
	shape := shapes[u%uint64(len(shapes))]
	s.Start, s.End = shape[0], shape[1]
	s.Days = append([]string{""}, s.Days...)
}

func (w *writer) device(x Device) {
	w.open('{')
	if !x.LastUpload.IsZero() {
		w.time("lastUploadDate", x.LastUpload.UnixMilli(), "Z", false)
	}
	if x.TransmitterID != "" {
		w.text("transmitterId", x.TransmitterID)
	}
	w.text("transmitterGeneration", x.Generation)
	w.text("transmitterGenerationVariant", x.Variant)
	w.text("displayDevice", x.Device)
	w.text("displayApp", x.App)
	w.extra(x.Extra)
	listed(w, "alertSchedules", x.Schedules, w.schedule)
	w.close('}')
}

func (w *writer) schedule(s Schedule) {
	w.open('{')
	w.object("alertScheduleSettings", func() {
		w.text("alertScheduleName", s.Name)
		w.bool("isEnabled", s.Enabled)
		if s.Default != nil {
			w.bool("isDefaultSchedule", *s.Default)
		}
		w.text("startTime", s.Start)
		w.text("endTime", s.End)
		listed(w, "daysOfWeek", s.Days, func(day string) {
			w.comma()
			w.quote(day)
		})
		if s.Active != nil {
			w.bool("isActive", *s.Active)
		}
		w.override(s)
	})
	listed(w, "alertSettings", s.Settings, func(x Setting) { w.setting(x, s.triggerWithCapital) })
	w.close('}')
}

func (w *writer) override(s Schedule) {
	if s.OverrideEnabled == nil {
		w.raw("override", "null")
		return
	}
	w.object("override", func() {
		w.bool("isOverrideEnabled", *s.OverrideEnabled)
		w.text("mode", s.OverrideMode)
		w.text("endTime", s.OverrideEnd)
	})
}

func (w *writer) setting(x Setting, capital bool) {
	w.open('{')
	w.clock("systemTime", "displayTime", x.SystemTime.UnixMilli(), *x.OffsetSeconds, wire{})
	w.text("alertName", x.Name)
	w.intOrNull("value", x.Value)
	w.text("unit", x.Unit)
	w.intOrNull("snooze", x.SnoozeMin)
	w.bool("enabled", x.Enabled)
	w.intOrNull("delay", x.DelayMin)
	trigger := "secondaryTriggerCondition"
	if capital {
		trigger = "SecondaryTriggerCondition"
	}
	w.intOrNull(trigger, x.SecondaryTrigger)
	w.text("soundTheme", x.SoundTheme)
	w.text("soundOutputMode", x.SoundOutputMode)
	w.close('}')
}

func (w *writer) intOrNull(name string, n *int) {
	if n == nil {
		w.raw(name, "null")
		return
	}
	w.integer(name, int64(*n), false)
}
