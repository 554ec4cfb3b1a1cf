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
	switch string(name) {
	case "lastUploadDate":
		r.time(name, &d.LastUpload)
	case "alertSchedules":
		if d.Schedules != nil {
			r.fault(name, nil, SentTwice)
		}
		listed := r.array(name, func() {
			d.Schedules = append(d.Schedules, AlertSchedule{})
			s, start := &d.Schedules[len(d.Schedules)-1], r.json.InputOffset()
			r.object(name, s)
			s.Own += int(r.json.InputOffset() - start)
		})
		if listed && d.Schedules == nil {
			d.Schedules = []AlertSchedule{}
		}
	default:
		return d.Origin.member(r, name)
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
	switch string(name) {
	case "alertScheduleSettings":
		r.object(name, &s.Schedule)
	case "alertSettings":
		if s.Settings != nil {
			r.fault(name, nil, SentTwice)
		}
		start := r.json.InputOffset()
		r.array(name, func() {
			s.Settings = append(s.Settings, AlertSetting{})
			r.object(name, &s.Settings[len(s.Settings)-1])
		})
		s.Own -= int(r.json.InputOffset() - start)
	default:
		return false
	}
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
	switch string(name) {
	case "alertScheduleName":
		r.text(name, &s.Name)
	case "isEnabled":
		r.bool(name, &s.Enabled)
	case "isDefaultSchedule":
		r.bool(name, &s.IsDefault)
	case "isActive":
		r.bool(name, &s.Active)
	case "startTime":
		r.text(name, &s.StartTime)
	case "endTime":
		r.text(name, &s.EndTime)
	case "daysOfWeek":
		if s.Days != nil {
			r.fault(name, nil, SentTwice)
		}
		bytes := 0 // of all of them: they are one text in the row
		listed := r.array(name, func() {
			var day Text
			r.text(name, &day)
			s.Days = append(s.Days, day)
			bytes += len(day) + len(",")
		})
		if bytes-len(",") > MaxTextBytes {
			r.fault(name, nil, LongText)
		}
		if listed && s.Days == nil {
			s.Days = []Text{}
		}
	case "override":
		r.object(name, &s.Override)
	default:
		return false
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
	switch string(name) {
	case "isOverrideEnabled":
		r.bool(name, &o.Enabled)
	case "mode":
		r.text(name, &o.Mode)
	case "endTime":
		r.text(name, &o.EndTime)
	default:
		return false
	}
	return true
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
	switch string(name) {
	case "alertName":
		r.text(name, &s.Name)
	case "value":
		r.number(name, &s.Value)
	case "unit":
		r.text(name, &s.Unit)
	case "snooze":
		r.number(name, &s.Snooze)
	case "enabled":
		r.bool(name, &s.Enabled)
	case "systemTime":
		r.time(name, &s.SystemTime)
	case "displayTime":
		r.time(name, &s.DisplayTime)
	case "delay":
		r.number(name, &s.Delay)
	case "secondaryTriggerCondition":
		r.number(name, &s.SecondaryTriggerCondition)
	case "soundTheme":
		r.text(name, &s.SoundTheme)
	case "soundOutputMode":
		r.text(name, &s.SoundOutputMode)
	default:
		return false
	}
	return true
}
