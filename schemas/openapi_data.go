package schemas

// endpoints are the resources by the name in their path, with what an answer is.
func endpoints() []struct{ name, answer, summary, answered string } {
	const records = "All records of the window, without pages; their order is not documented"
	return []struct{ name, answer, summary, answered string }{
		{"dataRange", "DataRangeResponse", "The oldest and the newest record of three kinds", "The ranges"},
		{"egvs", "EGVsResponse", "Estimated glucose values", records},
		{"events", "EventsResponse", "What the user entered: carbs, insulin, exercise, health, notes", records},
		{"calibrations", "CalibrationsResponse", "Fingerstick values that the user entered", records},
		{"alerts", "AlertsResponse", "Changes of the state of alerts", records},
		{"devices", "DevicesResponse", "Display devices with their alert settings", "All devices of the account"},
	}
}

func dataPaths() (paths object) {
	for _, e := range endpoints() {
		answer := object{{"200", object{{"description", e.answered}, {"content", holding("application/json", e.answer)}}}}
		paths = append(paths, member{"/v3/users/self/" + e.name, object{{"get", object{
			{"operationId", e.name},
			{"tags", []string{"Data"}},
			{"summary", e.summary},
			{"parameters", parametersOf(e.name)},
			{"responses", append(answer, refused("400", "401", "403", "404", "429", "5XX")...)},
		}}}})
	}
	return paths
}

func parametersOf(endpoint string) []object {
	switch endpoint {
	case "devices":
		return []object{}
	case "dataRange":
		return []object{inComponents("parameters", "lastSyncTime")}
	}
	return []object{inComponents("parameters", "startDate"), inComponents("parameters", "endDate")}
}

func windowParameters() object {
	instant := object{{"type", "string"}, {"pattern", "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$"}}
	zoned := object{{"type", "string"}, {"format", "date-time"}}
	parameter := func(name, description, example string, required bool, schema object) member {
		return member{name, object{{"name", name}, {"in", "query"}, {"required", required},
			{"description", description}, {"schema", schema}, {"example", example}}}
	}
	return object{
		parameter("startDate", "Start of the window by systemTime, in UTC without a zone; included.", "2025-01-01T00:00:00", true, instant),
		parameter("endDate", "End of the window by systemTime, in UTC without a zone; not included. A window has 30 days at most.", "2025-01-31T00:00:00", true, instant),
		parameter("lastSyncTime", "Only of data that are newer. Unlike the others it needs a zone. One older than 100 days was seen to give wrong answers.",
			"2025-01-30T23:00:00Z", false, zoned),
	}
}

// A refusal is an answer without data. What its body has is documented for tokens alone:
// it may be JSON, text, HTML or nothing, so there is no content here to be relied on.
func refusals() (all object) {
	for _, r := range []struct{ status, description string }{
		{"400", "Dates are missing or wrong, the window is longer than 30 days or empty. Asking again does not help."},
		{"401", "The access token has expired, or the user has taken the consent back. Refresh it once, and ask again once."},
		{"403", "Not documented; perhaps an app has more users than it may, or the user belongs to another region."},
		{"404", "No such path."},
		{"429", "More than 60,000 calls of the app in an hour. No header is documented that says how long to wait."},
		{"5XX", "A fault of the server that passes."},
	} {
		all = append(all, member{"refused" + r.status, object{{"description", r.description}}})
	}
	return all
}

func refused(statuses ...string) (all object) {
	for _, status := range statuses {
		all = append(all, member{status, inComponents("responses", "refused"+status)})
	}
	return all
}
