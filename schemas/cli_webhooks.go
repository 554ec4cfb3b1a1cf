package schemas

var (
	endpointPart = part{"endpoint", patterned(`^ep[0-9]+$`), "name of the endpoint", ""}
	eventIDPart  = part{"event_id", patterned(`^msg_[0-9a-f]{32}$`), "id of the event, sent as webhook-id: the same at every attempt", ""}

	disabledAtPart  = part{"disabled_at", anInstant, "since when nothing is sent to it, UTC", "it is enabled"}
	disabledWhyPart = part{"disabled_why", wordOf("asked", "revoked", "outdated", "gone", "failing"),
		"why: somebody asked; the key that set its address is revoked; state.db is from an older backup than its end; it answered 410 Gone; or nothing succeeded for 5 days", "it is enabled"}
	failingSincePart = part{"failing_since", anInstant, "the first failure since the last success, UTC", "the last attempt succeeded, or there was none"}
)

// silentEndpoints are what status tells of endpoints.
func silentEndpoints() shape {
	return listOf(endpointPart, disabledAtPart, disabledWhyPart, failingSincePart,
		part{"to_do", aText, "the next command", ""})
}

// endpointParts are what is known of an endpoint.
func endpointParts() []part {
	return []part{
		endpointPart,
		{"url", aText, "where events are sent", ""},
		{"description", aText, "what it is", "nobody said"},
		{"events", aText, "which events it gets, with spaces between", "all that its rights allow"},
		{"unblinded", aBool, "it gets glucose and events of a blinded study, too", ""},
		{"notes", aBool, "it gets free text of events, too", ""},
		{"cohort", anID, "it gets events of participants of this cohort alone", "of all"},
		{"created_at", anInstant, "when it was added, UTC", ""},
		disabledAtPart,
		disabledWhyPart,
		failingSincePart,
		{"succeeded_at", anInstant, "the last success, UTC", "there was none"},
		{"pending", aCount, "events that wait", ""},
		{"oldest_pending", anInstant, "since when the first of them waits, UTC", "none waits"},
	}
}

// WebhookAdded is the form of dexetl webhooks add and rotate.
func WebhookAdded() Form {
	return Form{"webhook_added", 1, "What dexetl webhooks add and rotate print: the new secret of an endpoint, which is shown this once.", []part{
		endpointPart,
		{"secret", patterned(`^whsec_[0-9A-Za-z+/]+=*$`), "a secret: with it the receiver knows that an event is the study's", ""},
		{"old_secret_until", anInstant, "until when events are signed with the secret before, too, UTC", "there is none before"},
	}}
}

// Webhooks is the form of dexetl webhooks list.
func Webhooks() Form {
	return rows("webhooks", 1, "What dexetl webhooks list prints: where events are sent.", "one for each endpoint, oldest first", endpointParts())
}

// Webhook is the form of dexetl webhooks show, disable and enable.
func Webhook() Form {
	return Form{"webhook", 1, "What dexetl webhooks show, disable and enable print: an endpoint.", endpointParts()}
}

// WebhookTest is the form of dexetl webhooks test.
func WebhookTest() Form {
	return Form{"webhook_test", 1, "What dexetl webhooks test prints: how an endpoint took an event.", []part{
		endpointPart,
		eventIDPart,
		{"status", aCount, "HTTP status of its answer", "there was none"},
		{"took_ms", aCount, "milliseconds until it had answered", ""},
		{"error", aText, "what went wrong", "it took the event"},
	}}
}

// WebhookDeliveries is the form of dexetl webhooks deliveries.
func WebhookDeliveries() Form {
	return rows("webhook_deliveries", 1, "What dexetl webhooks deliveries prints: events of the last 30 days and what became of them.", "one for each event and endpoint, newest first", []part{
		endpointPart,
		eventIDPart,
		{"event", aText, "kind of the event", ""},
		{"participant_id", anID, "whose it is", "nobody's"},
		{"snapshot", aCount, "that brought it", "none: it is about a connection"},
		{"created_at", anInstant, "when it was put in, UTC", ""},
		{"state", wordOf("pending", "delivered", "failed"), "failed: it was tried in vain, and is given up", ""},
		{"attempts", aCount, "how often it was tried", ""},
		{"tried_at", anInstant, "the last attempt, UTC", "there was none"},
		{"next_at", anInstant, "the next attempt, UTC", "at once, or there will be none"},
		{"status", aCount, "HTTP status of the last answer", "there was none"},
		{"error", aText, "what went wrong at the last attempt", "nothing"},
	})
}

// WebhookReplay is the form of dexetl webhooks replay.
func WebhookReplay() Form {
	return Form{"webhook_replay", 1, "What dexetl webhooks replay prints.", []part{
		endpointPart,
		{"events", aCount, "events that are sent again, or for the first time", ""},
	}}
}
