package dexsim

func (r *record) write(v view, w *writer) {
	body := r.state(v)
	c := body.common()
	if w.begin(*c, c.SystemTime.UnixMilli(), r.offset, r.how) {
		body.write(w, r)
		w.end(*c)
	}
}

// begin opens a record and writes what all have; false means that the record
// is complete, being no object.
func (w *writer) begin(c Common, at int64, offset int, how wire) bool {
	w.comma()
	if how.bad == notAnObject {
		w.quote("garbled " + c.RecordID)
		return false
	}
	w.b = append(w.b, '{')
	w.text("recordId", c.RecordID)
	w.times(at, offset, how)
	return true
}

// end writes where a record comes from and closes it.
func (w *writer) end(c Common) {
	w.text("transmitterGeneration", c.Generation)
	w.text("transmitterGenerationVariant", c.Variant)
	w.text("displayDevice", c.Device)
	w.extra(c.Extra)
	w.close('}')
}

// extra writes the members of a JSON object among the others.
func (w *writer) extra(object string) {
	if object != "" {
		w.comma()
		w.b = append(w.b, object[1:len(object)-1]...)
	}
}

func (e *egv) write(v view, w *writer) {
	r, how := v.egv(e)
	if !w.begin(r.Common, e.at, int(e.offset), how) {
		return
	}
	w.textOrBlank("transmitterId", r.TransmitterID, how)
	w.integer("transmitterTicks", *r.Ticks, how.textNumbers)
	w.number("value", r.Value, how)
	w.textOrNull("status", r.Status, how.omitNull)
	w.textOrNull("trend", r.Trend, how.omitNull)
	w.number("trendRate", r.Rate, how)
	w.textOrBlank("unit", r.Unit, how)
	w.text("rateUnit", r.RateUnit)
	w.textOrNull("displayApp", r.App, how.omitNull)
	w.end(r.Common)
}

func (e *Event) write(w *writer, r *record) {
	how := r.how
	w.clock("recordedSystemTime", "recordedDisplayTime", r.recorded, r.offset, how)
	w.text("eventStatus", e.Status)
	w.text("eventType", e.Type)
	w.textOrNull("eventSubType", e.SubType, how.omitNull)
	switch {
	case e.Value == nil && how.omitNull:
	case e.Value == nil:
		w.raw("value", "null")
	case how.numberValue:
		w.raw("value", *e.Value)
	default:
		w.text("value", *e.Value)
	}
	w.textOrBlank("unit", e.Unit, how)
	w.textOrBlank("transmitterId", e.TransmitterID, how)
}

func (c *Calibration) write(w *writer, r *record) {
	w.textOrBlank("unit", c.Unit, r.how)
	w.number("value", c.Value, r.how)
	w.textOrBlank("transmitterId", c.TransmitterID, r.how)
	w.integer("transmitterTicks", *c.Ticks, r.how.textNumbers)
}

func (a *Alert) write(w *writer, r *record) {
	w.text("alertName", a.Name)
	w.text("alertState", a.State)
	w.textOrBlank("transmitterId", a.TransmitterID, r.how)
	w.textOrNull("displayApp", a.App, r.how.omitNull)
}
