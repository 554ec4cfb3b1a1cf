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

func (d *Device) fields() fields { return deviceRecord.fields(d) }

func (d *Device) schedules(r *reader, name []byte) {
	listed := list(r, name, &d.Schedules, func(s *AlertSchedule) {
		start := r.last
		r.object(name, s)
		s.Own += r.last - start
	})
	if listed && d.Schedules == nil {
		d.Schedules = []AlertSchedule{}
	}
}

// An AlertSchedule is a set of alert settings and when it holds. A null in the
// list of schedules or settings is the zero value here.
type AlertSchedule struct {
	Schedule ScheduleSettings
	Settings []AlertSetting
	Own      int // bytes of it without its settings
	Extras
}

func (s *AlertSchedule) fields() fields { return alertSchedule.fields(s) }

func (s *AlertSchedule) settings(r *reader, name []byte) {
	start := r.last
	list(r, name, &s.Settings, func(x *AlertSetting) { r.object(name, x) })
	s.Own -= r.last - start
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

func (s *ScheduleSettings) fields() fields { return scheduleSettings.fields(s) }

func (s *ScheduleSettings) days(r *reader, name []byte) {
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
}

// An Override silences alerts for a while.
type Override struct {
	Enabled Bool
	Mode    Text
	EndTime Text
	Extras
}

func (o *Override) fields() fields { return scheduleOverride.fields(o) }

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

func (s *AlertSetting) fields() fields { return alertSetting.fields(s) }
