package transform

import (
	"bytes"
	"strings"

	"github.com/dexetl/dexetl/extract/dexcom"
)

// An enum is a field with a list of values. The list is what Dexcom documents
// or was seen to send in any year; others may come and are kept.
type enum struct {
	field  string
	exact  []string
	folded map[string][]byte // lower case and aliases to canonical
}

// enumOf returns the enum of field, whose values are those of the dexcom.Type of that
// name.
func enumOf(field, name string) *enum {
	e := &enum{field: field, folded: map[string][]byte{}}
	t, ok := dexcom.TypeNamed(name)
	if !ok {
		panic("no type " + name)
	}
	for _, v := range t.Values {
		usual, other := t.Means[v]
		if !other {
			usual = v
			e.exact = append(e.exact, v)
		}
		e.folded[strings.ToLower(v)] = []byte(usual)
	}
	return e
}

// orAsSent is what a column of e says.
func (e *enum) orAsSent() string { return strings.Join(e.exact, ", ") + ", or as sent" }

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

var (
	generations    = enumOf("transmitterGeneration", "transmitter-generation")
	variants       = enumOf("transmitterGenerationVariant", "transmitter-generation-variant")
	displayDevices = enumOf("displayDevice", "display-device")

	statuses   = enumOf("status", "egv-status")
	trends     = enumOf("trend", "trend-type")
	valueUnits = enumOf("unit", "glucose-unit")
	rateUnits  = enumOf("rateUnit", "rate-unit")

	eventTypes    = enumOf("eventType", "event-type")
	eventSubTypes = enumOf("eventSubType", "event-subtype")
	eventUnits    = enumOf("unit", "event-unit")
	eventStatuses = enumOf("eventStatus", "event-status")

	alertNames  = enumOf("alertName", "alert-name")
	alertStates = enumOf("alertState", "alert-state")

	settingUnits  = enumOf("unit", "setting-unit")
	overrideModes = enumOf("mode", "override-mode")
	soundThemes   = enumOf("soundTheme", "sound-theme")
	outputModes   = enumOf("soundOutputMode", "sound-output-mode")
)
