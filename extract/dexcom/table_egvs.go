package dexcom

import "slices"

// Glucose is a whole number that fits its column in either unit. Tidepool's client
// takes as much.
const maxGlucose = 1000

var egvRecord = table[EGV]{"egv-record", "EGV Record",
	"An estimated glucose value, one each five minutes.",
	slices.Concat(headerRows(func(e *EGV) *Header { return &e.Header },
		heading{id: `"2cab70ee-d3b4-5a34-9aa9-767513ab72bd"`, ticks: true, app: true}), []row[EGV]{
		{Field{Name: "value", Kind: IsWhole, Null: true, Max: maxGlucose, Unit: "mg/dL",
			Comment:  "Glucose, 40 to 400. 39 is anything below, 401 anything above: no numbers to show to people. Null and absent: no value.",
			Evidence: "documented, nullable; Tidepool's client takes 0 to 1000",
			Example:  "112"}, func(e *EGV) any { return &e.Value }},
		{Field{Name: "status", Kind: IsEnum, Of: egvStatus.Name, Null: true,
			Comment:  "high above 400, low below 40. Null and absent: in range.",
			Evidence: "documented, nullable; null in range",
			Example:  "null"}, func(e *EGV) any { return &e.Status }},
		{Field{Name: "trend", Kind: IsEnum, Of: trendType.Name, Null: true,
			Comment:  "The arrow that the person saw. Null and absent: not told.",
			Evidence: "documented, nullable",
			Example:  `"flat"`}, func(e *EGV) any { return &e.Trend }},
		{Field{Name: "trendRate", Kind: IsReal, Null: true, Min: -100, Max: 100, Unit: "mg/dL/min",
			Comment:  "How fast glucose changes; with an arrow it is -8 to 8. Null and absent: not told.",
			Evidence: "documented, nullable",
			Example:  "-0.4"}, func(e *EGV) any { return &e.TrendRate }},
		{Field{Name: "unit", Kind: IsEnum, Of: glucoseUnit.Name, Null: true,
			Comment:  "The unit of value. Null, absent and empty: not told, and then it is mg/dL.",
			Evidence: "documented, required; may well be missing or empty, as Tidepool's client has seen units of events",
			Example:  `"mg/dL"`}, func(e *EGV) any { return &e.Unit }},
		{Field{Name: "rateUnit", Kind: IsEnum, Of: rateUnit.Name, Required: true,
			Comment:  "The unit of trendRate.",
			Evidence: "documented, required",
			Example:  `"mg/dL/min"`}, func(e *EGV) any { return &e.RateUnit }},
	})}

var calibrationRecord = table[Calibration]{"calibration-record", "Calibration Record",
	"A fingerstick value that a person entered to calibrate a sensor. Sensors since the G6 need none.",
	slices.Concat(headerRows(func(c *Calibration) *Header { return &c.Header },
		heading{id: `"763923b7-5424-451e-b37d-fd8ff635b308"`, ticks: true}), []row[Calibration]{
		{Field{Name: "value", Kind: IsWhole, Required: true, Max: maxGlucose, Unit: "mg/dL",
			Comment:  "Glucose by the person's meter.",
			Evidence: "documented, required; 124 in Dexcom's sample",
			Example:  "118"}, func(c *Calibration) any { return &c.Value }},
		{Field{Name: "unit", Kind: IsEnum, Of: glucoseUnit.Name, Null: true,
			Comment:  "The unit of value. Null, absent and empty: not told, and then it is mg/dL.",
			Evidence: "documented, nullable; mg/dL in Dexcom's sample",
			Example:  `"mg/dL"`}, func(c *Calibration) any { return &c.Unit }},
	})}
