package schemas

import "slices"

// rosterParts are the columns of roster.csv, and whether somebody is paused.
func rosterParts() []part {
	const empty = "the roster does not say"
	return []part{
		{"participant_id", anID, "study pseudonym from the roster", ""},
		{"site", aText, "site, any name", empty},
		{"cohort", aText, "cohort, any name", empty},
		{"arm", aText, "treatment arm, any name", empty},
		{"status", aText, "status in the study, as the roster has it", empty},
		{"status_date", aDate, "local date of the status", empty},
		{"consent_date", aDate, "local date of the consent to the study", empty},
		{"anchor_date", aDate, "local date of study day 1", empty},
		{"study_start", aDate, "first local date of the study for this participant", empty},
		{"study_end", aDate, "last local date of the study for this participant", empty},
		{"timezone", aText, "IANA zone, such as Europe/Berlin", empty},
		{"region", aText, "region of Dexcom", "the study's"},
		{"paused", aBool, "nothing is fetched until resumed", ""},
	}
}

var (
	consentPart = part{"consent", aText, "how the connection stands: connected, auth_suspect (refused lately, tried again), needs_reconsent, exported, ended, none; " +
		"or why nothing is asked: withdrawn, paused, completed, or the status from the roster", ""}
	newestEGV = part{"newest_record", anInstant, "system time of the newest EGV held, UTC", "none is held, or the lake could not be read"}
)

// Participants is the form of dexetl participants list.
func Participants() Form {
	return rows("participants", 1, "What dexetl participants list prints: the roster, how it stands with everybody, and what they need.", "one for each participant",
		append(rosterParts(), consentPart, newestEGV, part{"needs", aText, "what to do, in words", "nothing"}))
}

// Participant is the form of dexetl participants show.
func Participant() Form {
	return Form{"participant", 2, "What dexetl participants show prints: one person's story.", slices.Concat(rosterParts(), []part{
		consentPart,
		{"withdrawn_from", aMinute, "instant from which nothing is used any more, UTC", "did not withdraw"},
		{"withdrawn_because", aText, "reason that was given", "did not withdraw"},
		{"tokens_until", aMinute, "instant at which the access to the account ends by itself, UTC", "no date says so, or it has ended"},
		{"egvs", aCount, "EGVs held", "the lake could not be read"},
		newestEGV,
		{"last_asked_at", anInstant, "newest answer of any resource, UTC", "never asked"},
		{"needs", aText, "what to do, in words", ""},
	}, storyLists())}
}

// storyLists are the lists of one person's story.
func storyLists() []part {
	connection := part{"connection_id", aULID, "Dexcom account that the participant gave access to, for a time", ""}
	return []part{
		{"connections", listOf(connection,
			part{"region", aText, "region of Dexcom; custom: that of api.base_url", ""},
			part{"status", wordOf("connected", "auth_suspect", "needs_reconsent", "exported", "ended", "set aside"), "how it stands", ""},
			part{"valid_from", aMinute, "its data are the participant's from here on, UTC", "from the beginning"},
			part{"valid_to", aMinute, "its data are the participant's up to here, UTC", "no end"},
			part{"begun_because", aText, "why it began", "nobody said"},
			part{"ended_because", aText, "why it ended", "it has not, or nobody said"},
			part{"last_error", aText, "what went wrong last", "nothing"},
		), "accounts over time, oldest first", ""},
		{"refresh_tries", listOf(connection,
			part{"tried_at", aMinute, "when it was tried, UTC", ""},
			part{"outcome", aText, "what the server said", ""},
		), "newest tries to renew the access that failed, at most 5 for each account, oldest first", ""},
		{"devices", listOf(
			part{"display_device", aText, "phone or receiver that shows the readings, as sent", "not sent"},
			part{"transmitter_generation", aText, "generation of the transmitter, as sent", "not sent"},
			part{"display_app", aText, "app that shows the readings, as sent", "not sent"},
			part{"last_upload", aLocal, "newest upload, UTC without a mark", "not sent"},
			part{"connection_id", aULID, "account that it was seen in", ""},
		), "devices of the newest answer, newest upload first", ""},
		{"windows", listOf(
			part{"window_name", anID, "name of the window", ""},
			part{"start_date", aDate, "first local date", "it begins by study day"},
			part{"end_date", aDate, "last local date", "it ends by study day"},
			part{"start_day", aWhole, "first study day; there is no day 0", "it begins by date"},
			part{"end_day", aWhole, "last study day", "it ends by date"},
		), "analysis windows of the participant", ""},
		{"exclusions", listOf(
			part{"from_local", aWallTime, "begin on the participant's wall clock", ""},
			part{"to_local", aWallTime, "end on the participant's wall clock", ""},
			part{"reason", aText, "reason that was given", "none was given"},
		), "intervals that metrics leave out", ""},
	}
}

// Added is the form of dexetl participants add.
func Added() Form {
	return Form{"added", 1, "What dexetl participants add prints: who is in the roster now.", []part{
		{"participants", texts(), "ids that were added", ""},
	}}
}

// Import is the form of imports of a roster, of windows and of exclusions.
func Import() Form {
	return Form{"import", 1, "What the imports of roster, windows and exclusions print.", []part{
		{"file", aText, "file as named; - is standard input", ""},
		{"done", aText, "what the import did, in words", ""},
		{"removed", texts(), "what is no longer there, in words; of a roster nothing goes", ""},
	}}
}

// Paused is the form of dexetl participants pause and resume.
func Paused() Form {
	return Form{"paused", 1, "What dexetl participants pause and resume print.", []part{
		{"participant_id", anID, "study pseudonym from the roster", ""},
		{"paused", aBool, "nothing is fetched until resumed", ""},
	}}
}

// Removed is the form of dexetl participants remove.
func Removed() Form {
	return Form{"removed", 1, "What dexetl participants remove prints: what left with the id.", []part{
		{"participant_id", anID, "id that is no longer in the roster", ""},
		{"links", aCount, "links that ended", ""},
		{"windows", aCount, "analysis windows that went", ""},
		{"exclusions", aCount, "exclusions that went", ""},
	}}
}

// Closed is the form of dexetl participants close.
func Closed() Form {
	return rows("closed", 1, "What dexetl participants close prints: whose access ended, or with --dry-run is to end.", "one for each account", []part{
		{"participant_id", anID, "study pseudonym from the roster", ""},
		{"connection_id", aULID, "account whose tokens are destroyed", ""},
		{"valid_to", aMinute, "its data are the participant's up to here, UTC", "no end"},
		{"because", aText, "why it is time, in words", ""},
	})
}

// Windows is the form of dexetl windows list.
func Windows() Form {
	return rows("windows", 1, "What dexetl windows list prints: the analysis windows.", "one for each line of windows.csv", []part{
		{"participant_id", anID, "study pseudonym from the roster; * is everybody", ""},
		{"window", anID, "name of the window", ""},
		{"start", aDate, "first local date", "it begins by study day"},
		{"end", aDate, "last local date", "it ends by study day"},
		{"start_day", aWhole, "first study day; there is no day 0", "it begins by date"},
		{"end_day", aWhole, "last study day", "it ends by date"},
	})
}

// Exclusions is the form of dexetl exclusions list.
func Exclusions() Form {
	return rows("exclusions", 1, "What dexetl exclusions list prints: intervals that metrics leave out.", "one for each line of exclusions.csv", []part{
		{"participant_id", anID, "study pseudonym from the roster", ""},
		{"from", aWallTime, "begin on the participant's wall clock", ""},
		{"to", aWallTime, "end on the participant's wall clock", ""},
		{"reason", aText, "reason that was given", "none was given"},
	})
}
