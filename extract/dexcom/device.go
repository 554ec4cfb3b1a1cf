package dexcom

// A Device is a display device with its alert settings as of its last upload.
// It has no record id.
type Device struct {
	Origin
	Meta
	LastUpload Time // lastUploadDate, by Dexcom's servers
	Schedules  []AlertSchedule
}

func (*Device) resource() Resource { return Devices }

func (d *Device) member(r *reader, name []byte) bool {
	if string(name) != "alertSchedules" {
		return r.known(name, fields{{"lastUploadDate", &d.LastUpload}}) || d.Origin.member(r, name)
	}
	listed := list(r, name, &d.Schedules, func(s *AlertSchedule) {
		start := r.json.InputOffset()
		r.object(name, s)
		s.Own += int(r.json.InputOffset() - start)
	})
	if listed && d.Schedules == nil {
		d.Schedules = []AlertSchedule{}
	}
	return true
}

// An AlertSchedule is a set of alert settings and when it holds. A null in the
// list of schedules or settings is the zero value here.
type AlertSchedule struct {
	Schedule ScheduleSettings
	Settings []AlertSetting
	Own      int // bytes of it without its settings
	Extras
}

func (s *AlertSchedule) member(r *reader, name []byte) bool {
	if string(name) != "alertSettings" {
		return r.known(name, fields{{"alertScheduleSettings", &s.Schedule}})
	}
	start := r.json.InputOffset()
	list(r, name, &s.Settings, func(x *AlertSetting) { r.object(name, x) })
	s.Own -= int(r.json.InputOffset() - start)
	return true
}

// ScheduleSettings say when an AlertSchedule holds.
type ScheduleSettings struct {
	Name      Text // empty for the default schedule
	Enabled   Bool
	IsDefault Bool
	Active    Bool
	StartTime Text // HH:mm, and looser
	EndTime   Text
	Days      []Text // nil if none were sent
	Override  Override
	Extras
}

func (s *ScheduleSettings) member(r *reader, name []byte) bool {
	if string(name) != "daysOfWeek" {
		return r.known(name, fields{
			{"alertScheduleName", &s.Name}, {"isEnabled", &s.Enabled}, {"isDefaultSchedule", &s.IsDefault},
			{"isActive", &s.Active}, {"startTime", &s.StartTime}, {"endTime", &s.EndTime}, {"override", &s.Override},
		})
	}
	bytes := 0 // of all days: they are one text in the row
	listed := list(r, name, &s.Days, func(day *Text) {
		r.text(name, day)
		bytes += len(*day) + len(",")
	})
	if bytes-len(",") > MaxTextBytes {
		r.fault(name, nil, LongText)
	}
	if listed && s.Days == nil {
		s.Days = []Text{}
	}
	return true
}

// An Override silences alerts for a while.
type Override struct {
	Enabled Bool
	Mode    Text
	EndTime Text
	Extras
}

func (o *Override) member(r *reader, name []byte) bool {
	return r.known(name, fields{{"isOverrideEnabled", &o.Enabled}, {"mode", &o.Mode}, {"endTime", &o.EndTime}})
}

// An AlertSetting is one alert's threshold and sounds.
type AlertSetting struct {
	Name                      Text
	Value                     Number // in Unit
	Unit                      Text
	Snooze                    Number // minutes
	Enabled                   Bool
	SystemTime, DisplayTime   Time   // last change by the person
	Delay                     Number // minutes
	SecondaryTriggerCondition Number // mg/dL
	SoundTheme                Text
	SoundOutputMode           Text
	Extras
}

func (s *AlertSetting) member(r *reader, name []byte) bool {
	return r.known(name, fields{
		{"alertName", &s.Name}, {"value", &s.Value}, {"unit", &s.Unit}, {"snooze", &s.Snooze},
		{"enabled", &s.Enabled}, {"systemTime", &s.SystemTime}, {"displayTime", &s.DisplayTime},
		{"delay", &s.Delay}, {"secondaryTriggerCondition", &s.SecondaryTriggerCondition},
		{"soundTheme", &s.SoundTheme}, {"soundOutputMode", &s.SoundOutputMode},
	})
}
