package dexcom

import (
	"slices"
	"strings"
)

// recordType is the enum of recordType in answers of r. It is closed: it says whose
// records an answer has.
func recordType(r Resource) Type {
	return Type{
		Name: recordTypeName(r), Title: r.title() + " Record Type", Closed: true,
		Comment: "What recordType says in an answer of " + string(r) + ".",
		Values:  slices.Compact([]string{r.one(), string(r)}), Example: `"` + r.one() + `"`,
	}
}

func recordTypeName(r Resource) string { return kebab(r) + "-record-type" }

func kebab(r Resource) string {
	if r == DataRange {
		return "data-range"
	}
	return string(r)
}

func (r Resource) title() string {
	switch r {
	case EGVs:
		return "EGVs"
	case DataRange:
		return "Data Range"
	}
	return strings.ToUpper(string(r[:1])) + string(r[1:])
}

var (
	egvsResponse         = responseOf(EGVs, egvRecord.Name)
	eventsResponse       = responseOf(Events, eventRecord.Name)
	calibrationsResponse = responseOf(Calibrations, calibrationRecord.Name)
	alertsResponse       = responseOf(Alerts, alertRecord.Name)
	devicesResponse      = responseOf(Devices, deviceRecord.Name)
)

// response is the table of answers of r.
func (r Resource) response() *table[page] {
	switch r {
	case EGVs:
		return egvsResponse
	case Events:
		return eventsResponse
	case Calibrations:
		return calibrationsResponse
	case Alerts:
		return alertsResponse
	case Devices:
		return devicesResponse
	}
	return &rangeResponse
}

// responseOf is the table of answers whose records are of the Type called record.
func responseOf(r Resource, record string) *table[page] {
	comment := "All " + string(r) + " of a window, in no order that is told."
	if r == Devices {
		comment = "All devices of the account."
	}
	return &table[page]{kebab(r) + "-response", r.title() + " Response", comment, append(envelopeRows(r), row[page]{
		Field{Name: "records", Kind: IsList, Of: record, Required: true, Max: int64(r.maxRecords()),
			Comment:  "The records; [] if there are none.",
			Evidence: "documented, required; in all samples of Dexcom's",
		}, func(p *page) any { return reading(p.records) }})}
}

func envelopeRows(r Resource) []row[page] {
	return within(func(p *page) *Envelope { return p.Envelope }, []row[Envelope]{
		{Field{Name: "recordType", Kind: IsEnum, Of: recordTypeName(r), Required: true,
			Comment:  "The kind of the records.",
			Evidence: "documented, required, in the singular; the plural in samples of Dexcom's",
			Example:  recordType(r).Example}, func(e *Envelope) any { return &e.RecordType }},
		{Field{Name: "recordVersion", Kind: IsText, Required: true, Min: 1,
			Comment:  "The version of the API's records.",
			Evidence: "documented, required; 3.0 in all samples of Dexcom's",
			Example:  `"3.0"`}, func(e *Envelope) any { return &e.Version }},
		{Field{Name: "userId", Kind: IsText, Required: true,
			Comment:  "The person whose records these are: one id for each account and app, 64 hex digits.",
			Evidence: "documented, required; in all samples of Dexcom's",
			Example:  `"5b329ebcfbf2f0ba7e49d4c5eb57775468f5ee657ac16fcde07e1fd08197b4c7"`}, func(e *Envelope) any { return &e.UserID }},
	})
}
