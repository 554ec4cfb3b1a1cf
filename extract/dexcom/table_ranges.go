package dexcom

var rangeMoment = table[wireMoment]{"data-range-moment", "Data Range Moment",
	"The times of one record.",
	[]row[wireMoment]{
		{Field{Name: "systemTime", Kind: IsTime, Required: true,
			Comment:  "When, in UTC by the device's clock. Without an offset it is UTC.",
			Evidence: "documented; without an offset in Dexcom's sample",
			Example:  `"2026-03-14T15:02:11Z"`}, func(m *wireMoment) any { return &m.system }},
		{Field{Name: "displayTime", Kind: IsTime, Required: true,
			Comment:  "The device's wall clock then.",
			Evidence: "documented; without an offset in Dexcom's sample",
			Example:  `"2026-03-14T08:02:11-07:00"`}, nil},
	}}

var rangeWindow = table[wireRange]{"data-range-window", "Data Range Window",
	"The times of the oldest and the newest record, which may be one.",
	[]row[wireRange]{
		{Field{Name: "start", Kind: IsObject, Of: rangeMoment.Name, Required: true,
			Comment:  "When the oldest record is.",
			Evidence: "documented; in Dexcom's sample",
			Example:  `{"systemTime":"2025-11-03T18:20:44Z","displayTime":"2025-11-03T10:20:44-08:00"}`}, func(w *wireRange) any { return &w.start }},
		{Field{Name: "end", Kind: IsObject, Of: rangeMoment.Name, Required: true,
			Comment:  "When the newest record is.",
			Evidence: "documented; equal to start in Dexcom's sample"}, func(w *wireRange) any { return &w.end }},
	}}

var rangeResponse = table[page]{"data-range-response", "Data Range Response",
	"From when to when Dexcom has records of an account: of three kinds of five.",
	append(envelopeRows(DataRange), within(func(p *page) *wireRanges { return p.ranges }, []row[wireRanges]{
		{rangeField("calibrations"), func(w *wireRanges) any { return &w.calibrations }},
		{rangeField("egvs"), func(w *wireRanges) any { return &w.egvs }},
		{rangeField("events"), func(w *wireRanges) any { return &w.events }},
	})...)}

func rangeField(name string) Field {
	return Field{Name: name, Kind: IsObject, Of: rangeWindow.Name, Null: true,
		Comment:  "From when to when there are " + name + ". Null and absent: there are none.",
		Evidence: "documented, nullable; in Dexcom's sample"}
}
