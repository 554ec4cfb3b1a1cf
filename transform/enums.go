package transform

import (
	"bytes"
	"strings"
)

// An enum is a field with a list of values. The list is what Dexcom documents
// or was seen to send in any year; others may come and are kept.
type enum struct {
	field  string
	exact  []string
	folded map[string][]byte // lower case and aliases to canonical
}

// newEnum returns the enum of field with its values in canonical spelling; an
// alias is written alias=value.
func newEnum(field string, values ...string) *enum {
	e := &enum{field: field, folded: map[string][]byte{}}
	for _, v := range values {
		alias, value, aliased := strings.Cut(v, "=")
		if !aliased {
			value = alias
			e.exact = append(e.exact, value)
		}
		e.folded[strings.ToLower(alias)] = []byte(value)
	}
	return e
}

// canonical reports whether v is known, letter case aside, and returns its
// canonical spelling; nil where that is v.
func (e *enum) canonical(v []byte) (spelling []byte, known bool) {
	for _, value := range e.exact {
		if string(v) == value {
			return nil, true
		}
	}
	spelling, known = e.folded[string(bytes.ToLower(v))]
	return spelling, known
}

// The enums, documented or seen in the wild.
var (
	generations = newEnum("transmitterGeneration", "unknown", "g4", "g5", "g6", "g6+", "g6Pro", "dexcomPro", "g7", "g715day",
		"g6 pro=g6Pro")
	variants       = newEnum("transmitterGenerationVariant", "unknown", "d1+", "g6", "g7", "g715day")
	displayDevices = newEnum("displayDevice", "unknown", "receiver", "shareReceiver", "touchscreenReceiver", "iOS", "android")

	statuses = newEnum("status", "low", "high", "ok", "unknown")
	trends   = newEnum("trend", "doubleUp", "singleUp", "fortyFiveUp", "flat", "fortyFiveDown", "singleDown", "doubleDown",
		"none", "notComputable", "rateOutOfRange", "unknown")
	valueUnits = newEnum("unit", mgdl, mmol, "unknown")
	rateUnits  = newEnum("rateUnit", mgdl+"/min", mmol+"/min", "unknown")

	eventTypes    = newEnum("eventType", "insulin", "carbs", "exercise", "health", "bloodGlucose", "notes", "unknown", "note=notes")
	eventSubTypes = newEnum("eventSubType", "fastActing", "longActing", "light", "medium", "heavy",
		"illness", "stress", "highSymptoms", "lowSymptoms", "cycle", "alcohol", "unknown")
	eventUnits    = newEnum("unit", "units", "grams", "minutes", mgdl, mmol, "unknown")
	eventStatuses = newEnum("eventStatus", "created", "updated", "deleted")

	alertNames = newEnum("alertName", "high", "low", "rise", "fall", "outOfRange", "urgentLow", "urgentLowSoon",
		"noReadings", "fixedLow", "unknown")
	alertStates = newEnum("alertState", "inactive", "activeSnoozed", "activeAlarming", "unknown")

	settingUnits  = newEnum("unit", mgdl, mmol, mgdl+"/min", mmol+"/min", "minutes", "grams", "units", "unknown")
	overrideModes = newEnum("mode", "unknown", "quiet", "vibrate")
	soundThemes   = newEnum("soundTheme", "unknown", "modern", "classic")
	outputModes   = newEnum("soundOutputMode", "unknown", "sound", "vibrate", "match", "vibrates=vibrate")
)
