package dexcom

// The examples are of one person, with a G7 and an iPhone, on one morning.
const exampleTransmitter = `"9b1f6c4e2a7d83f05c6e1b94d2a07f38e5c1b6d90f4a2e73c8d51b0f6a9e4c27"`

// A heading is what differs in a Header from one type of record to another.
type heading struct {
	id    string // as an example
	ticks bool   // transmitterTicks is documented
	app   bool   // so is displayApp
}

// notHere is the evidence of a field that other types of record have.
const notHere = "not documented here; read if it comes"

// headerRows are the rows of the Header of an R.
func headerRows[R any](of func(*R) *Header, h heading) []row[R] {
	rows := append(within(of, []row[Header]{
		{Field{Name: "recordId", Kind: IsText, Required: true, Min: 1,
			Comment:  "The record's id: a UUID, the same each time this app asks.",
			Evidence: "documented, required: unique, for the app; a UUID in all samples of Dexcom's",
			Example:  h.id}, func(h *Header) any { return &h.ID }},
		{Field{Name: "systemTime", Kind: IsTime, Required: true,
			Comment:  "When, in UTC by the device's clock, which may be wrong. Without an offset it is UTC.",
			Evidence: "documented, required; with Z, with an offset and without one in Dexcom's samples",
			Example:  `"2026-03-14T15:02:11Z"`}, func(h *Header) any { return &h.SystemTime }},
		{Field{Name: "displayTime", Kind: IsTime, Required: true,
			Comment:  "The device's wall clock then. Without an offset its zone is not told.",
			Evidence: "documented, required; phones send an offset, receivers do not",
			Example:  `"2026-03-14T08:02:11-07:00"`}, func(h *Header) any { return &h.DisplayTime }},
		ticksRow(h.ticks),
	}), within(func(r *R) *Origin { return &of(r).Origin }, originRows(h.app))...)
	return rows
}

// ticksRow is transmitterTicks. Its bound is the largest number that all readers of
// JSON agree on.
func ticksRow(documented bool) row[Header] {
	f := Field{Name: "transmitterTicks", Kind: IsWhole, Min: 0, Max: 1<<53 - 1, Unit: "s",
		Comment: "Seconds since the transmitter was started. Of a G7 they begin anew with each sensor. They do not fit 32 bits. Absent if not told.",
		Null:    true, Evidence: notHere}
	if documented {
		f.Required, f.Null = true, false
		f.Evidence, f.Example = "documented, required; 72364324786 in Dexcom's sample, and Tidepool's client has seen 0", "254731"
	}
	return row[Header]{f, func(h *Header) any { return &h.TransmitterTicks }}
}

// originRows are the rows of an Origin; app says whether displayApp is documented.
func originRows(app bool) []row[Origin] {
	return []row[Origin]{
		{Field{Name: "transmitterId", Kind: IsText, Null: true,
			Comment:  "A hash of the transmitter's id, 64 hex digits: it tells transmitters apart. Null, absent and empty: not told.",
			Evidence: "documented, nullable in egvs and devices; Tidepool's client has seen it empty, and missing with a G7",
			Example:  exampleTransmitter}, func(o *Origin) any { return &o.TransmitterID }},
		{Field{Name: "transmitterGeneration", Kind: IsEnum, Of: transmitterGeneration.Name, Required: true,
			Comment:  "The generation of the transmitter.",
			Evidence: "documented, required; in all samples of Dexcom's",
			Example:  `"g7"`}, func(o *Origin) any { return &o.TransmitterGeneration }},
		{Field{Name: "transmitterGenerationVariant", Kind: IsEnum, Of: transmitterVariant.Name,
			Comment:  "The product within the generation. Absent: not told.",
			Evidence: "documented as required since about 2025; absent from older samples",
			Example:  `"g7"`}, func(o *Origin) any { return &o.TransmitterGenerationVariant }},
		{Field{Name: "displayDevice", Kind: IsEnum, Of: displayDevice.Name, Required: true,
			Comment:  "What showed the record to the person.",
			Evidence: "documented, required; in all samples of Dexcom's",
			Example:  `"iOS"`}, func(o *Origin) any { return &o.DisplayDevice }},
		appRow(app),
	}
}

func appRow(documented bool) row[Origin] {
	f := Field{Name: "displayApp", Kind: IsText, Null: true,
		Comment:  "The app that sent the record, such as G6, G7, DexcomOne or D1G7; free text. Null and absent: not told.",
		Evidence: notHere}
	if documented {
		f.Evidence = "documented: required in alerts, nullable in egvs and devices; absent from a sample of Dexcom's alerts, G7Android in that of devices"
		f.Example = `"G7"`
	}
	return row[Origin]{f, func(o *Origin) any { return &o.DisplayApp }}
}
