package dexcom

// Enums that Dexcom's documentation lists.

func listedEnums() []Type {
	return []Type{
		glucoseUnit, rateUnit, trendType, egvStatus, eventType, eventStatus, alertName, alertState, transmitterGeneration,
	}
}

var glucoseUnit = Type{
	Name: "glucose-unit", Title: "Glucose Unit",
	Comment: "The unit of a glucose value. Dexcom says that it is mg/dL whatever a person chose to see; mmol/L was never seen.",
	Values:  []string{"mg/dL", "mmol/L", "unknown"},
	Example: `"mg/dL"`,
}

var rateUnit = Type{
	Name: "rate-unit", Title: "Rate Unit",
	Comment: "The unit of a rate of change. Dexcom says that it is mg/dL/min whatever a person chose to see; mmol/L/min was never seen.",
	Values:  []string{"mg/dL/min", "mmol/L/min", "unknown"},
	Example: `"mg/dL/min"`,
}

var trendType = Type{
	Name: "trend-type", Title: "Trend Type",
	Comment: "The arrow that the person saw. By the rate in mg/dL/min: doubleUp 3 to 8, singleUp 2 to 3, fortyFiveUp 1 to 2, flat between -1 and 1, and so down. " +
		"none: no arrow; notComputable: no reasonable arrow; rateOutOfRange: a rate beyond the arrows.",
	Values: []string{"doubleUp", "singleUp", "fortyFiveUp", "flat", "fortyFiveDown", "singleDown", "doubleDown",
		"none", "notComputable", "rateOutOfRange", "unknown"},
	Example: `"flat"`,
}

var egvStatus = Type{
	Name: "egv-status", Title: "EGV Status",
	Comment: "Where a value lies: high is above 400 mg/dL, low below 40. In range it is null, or ok before about 2025.",
	Values:  []string{"low", "high", "ok", "unknown"},
	Example: `"high"`,
}

var eventType = Type{
	Name: "event-type", Title: "Event Type",
	Comment: "What a person entered.",
	Values:  []string{"insulin", "carbs", "exercise", "health", "bloodGlucose", "notes", "unknown", "note"},
	Means:   map[string]string{"note": "notes"},
	Example: `"carbs"`,
}

var eventStatus = Type{
	Name: "event-status", Title: "Event Status",
	Comment: "What became of an entry. One that a person deletes is sent on under its record id, as deleted.",
	Values:  []string{"created", "updated", "deleted"},
	Example: `"created"`,
}

var alertName = Type{
	Name: "alert-name", Title: "Alert Name",
	Comment: "An alert. outOfRange is signal loss; noReadings is that the transmitter has had no reading for a while; fixedLow is no longer documented.",
	Values: []string{"high", "low", "rise", "fall", "outOfRange", "urgentLow", "urgentLowSoon", "noReadings",
		"fixedLow", "unknown"},
	Example: `"high"`,
}

var alertState = Type{
	Name: "alert-state", Title: "Alert State",
	Comment: "What an alert has turned to.",
	Values:  []string{"inactive", "activeSnoozed", "activeAlarming", "unknown"},
	Example: `"activeAlarming"`,
}

var transmitterGeneration = Type{
	Name: "transmitter-generation", Title: "Transmitter Generation",
	Comment: "The generation of a transmitter. g4, g5 and dexcomPro are no longer documented; g715day, the G7 15 Day, is not documented here, and Tidepool's client has seen it; g6 pro, too.",
	Values:  []string{"unknown", "g4", "g5", "g6", "g6+", "g6Pro", "dexcomPro", "g7", "g715day", "g6 pro"},
	Means:   map[string]string{"g6 pro": "g6Pro"},
	Example: `"g7"`,
}
