package dexcom

// Enums that fields have beside those that Dexcom's documentation lists.

func otherEnums() []Type {
	return []Type{
		transmitterVariant, displayDevice, eventSubType, eventUnit, settingUnit, dayOfWeek, overrideMode, soundTheme, soundOutputMode,
		recordType(EGVs), recordType(Events), recordType(Calibrations), recordType(Alerts), recordType(Devices), recordType(DataRange),
		grantType,
	}
}

var transmitterVariant = Type{
	Name: "transmitter-generation-variant", Title: "Transmitter Generation Variant",
	Comment: "The product within a generation: d1+ is Dexcom ONE+, g715day the G7 15 Day.",
	Values:  []string{"d1+", "g6", "g7", "g715day", "unknown"},
	Example: `"g7"`,
}

var displayDevice = Type{
	Name: "display-device", Title: "Display Device",
	Comment: "What showed a record to the person. shareReceiver and touchscreenReceiver are from the API's version 2.",
	Values:  []string{"unknown", "receiver", "shareReceiver", "touchscreenReceiver", "iOS", "android"},
	Example: `"iOS"`,
}

var eventSubType = Type{
	Name: "event-subtype", Title: "Event Subtype",
	Comment: "Insulin is fastActing or longActing; exercise is light, medium or heavy; health is illness, stress, highSymptoms, lowSymptoms, cycle or alcohol.",
	Values: []string{"fastActing", "longActing", "light", "medium", "heavy",
		"illness", "stress", "highSymptoms", "lowSymptoms", "cycle", "alcohol", "unknown"},
	Example: `"fastActing"`,
}

var eventUnit = Type{
	Name: "event-unit", Title: "Event Unit",
	Comment: "The unit of an event's value: units of insulin, grams of carbs, minutes of exercise, mg/dL of blood glucose.",
	Values:  []string{"units", "grams", "minutes", "mg/dL", "mmol/L", "mg/dL/min", "mmol/L/min", "unknown"},
	Example: `"grams"`,
}

var settingUnit = Type{
	Name: "setting-unit", Title: "Setting Unit",
	Comment: "The unit of an alert's threshold: mg/dL, of rise and fall mg/dL/min, of outOfRange and noReadings minutes.",
	Values:  []string{"mg/dL", "mmol/L", "mg/dL/min", "mmol/L/min", "minutes", "grams", "units", "unknown"},
	Example: `"mg/dL"`,
}

var dayOfWeek = Type{
	Name: "day-of-week", Title: "Day Of Week",
	Comment: "A day, or an empty text, which Tidepool's client has seen among them.",
	Values:  []string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", ""},
	Closed:  true,
	Example: `"sunday"`,
}

var overrideMode = Type{
	Name: "override-mode", Title: "Override Mode",
	Comment: "How an override silences alerts.",
	Values:  []string{"unknown", "quiet", "vibrate"},
	Example: `"quiet"`,
}

var soundTheme = Type{
	Name: "sound-theme", Title: "Sound Theme",
	Comment: "The set of sounds of an alert.",
	Values:  []string{"unknown", "modern", "classic"},
	Example: `"modern"`,
}

var soundOutputMode = Type{
	Name: "sound-output-mode", Title: "Sound Output Mode",
	Comment: "How an alert makes itself heard; match is as the phone is set. Dexcom's text says vibrates, its list vibrate.",
	Values:  []string{"unknown", "sound", "vibrate", "match", "vibrates"},
	Means:   map[string]string{"vibrates": "vibrate"},
	Example: `"match"`,
}

var grantType = Type{
	Name: "grant-type", Title: "Grant Type",
	Comment: "What is exchanged for tokens: the code of a consent, or a refresh token.",
	Values:  []string{"authorization_code", "refresh_token"},
	Closed:  true,
	Example: `"refresh_token"`,
}
