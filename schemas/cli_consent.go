package schemas

// Connected is the form of dexetl connect.
func Connected() Form {
	return rows("connected", 1, "What dexetl connect prints: what the account shows, so that a wrong one is noticed.", "one, of the account", []part{
		{"participant_id", anID, "study pseudonym from the roster", ""},
		{"device", aText, "device, transmitter and app of the newest upload", "the account shows no device"},
		{"first_reading", aMinute, "oldest EGV that Dexcom has, UTC", "it has none"},
		{"last_reading", aMinute, "newest EGV that Dexcom has, UTC", "it has none"},
		{"last_upload", aMinute, "newest upload of the device, UTC", "the account shows none"},
	})
}

// ConnectImport is the form of dexetl connect --import.
func ConnectImport() Form {
	return Form{"connect_import", 1, "What dexetl connect --import prints: what became of the grants.", []part{
		{"connected", aCount, "grants whose account was looked at and taken", ""},
		{"not_checked", aCount, "grants that are kept, and whose account could not be looked at yet", ""},
		{"set_aside", aCount, "grants that lead to another account than expected", ""},
		{"known", aCount, "grants of the file that were imported before", ""},
	}}
}

// ConnectExport is the form of dexetl connect --export.
func ConnectExport() Form {
	return Form{"connect_export", 1, "What dexetl connect --export prints.", []part{
		{"file", aText, "file that holds the grants, sealed", ""},
		{"exported", aCount, "grants in it, which are no longer used here", ""},
		{"recipient", aText, "public key of the study that can open it too; empty: this one alone", ""},
	}}
}

// Grants is the form of what a file of dexetl connect --export seals.
func Grants() Form {
	return Form{"grants", 1, "What a file of dexetl connect --export holds once it is opened.", []part{
		{"exported_at", anInstant, "when it was written, UTC", ""},
		{"grants", listOf(
			part{"participant_id", anID, "study pseudonym from the roster", ""},
			part{"region", aText, "region of Dexcom; custom: that of api.base_url", ""},
			part{"refresh_token", anID, "a secret: it renews the access once", ""},
			part{"valid_from", maybe(anInstant), "the account's data are the participant's from here on, UTC; missing: from the beginning", ""},
			part{"valid_to", maybe(anInstant), "the account's data are the participant's up to here, UTC; missing: no end", ""},
		), "one for each account", ""},
	}}
}

// PublicKey is the form of dexetl connect --public-key.
func PublicKey() Form {
	return Form{"public_key", 1, "What dexetl connect --public-key prints.", []part{
		{"recipient", patterned(`^age1[0-9a-z]+$`), "key for which other studies seal their grants", ""},
	}}
}

// ConsentPages is the form of the line in which dexetl connect --serve says that it serves.
func ConsentPages() Form {
	return Form{"consent_pages", 1, "The line that dexetl connect --serve prints once it serves.", []part{
		{"listening", aText, "URL at which it listens", ""},
		{"public_url", aText, "URL with which links begin; empty: connect.public_url is not set", ""},
	}}
}

// ConsentEvent is the form of the lines that dexetl connect --serve prints while it serves.
func ConsentEvent() Form {
	return Form{"consent_event", 1, "A line that dexetl connect --serve prints while it serves: what a person did, and how it ended.", []part{
		{"at", anInstant, "when it happened, UTC", ""},
		{"event", wordOf("opened", "sent_to_dexcom", "asked", "connected", "denied", "not_confirmed", "wrong_account", "refused", "failed"), "what happened", ""},
		{"participant_id", anID, "study pseudonym from the roster", "nobody can know"},
		{"error", maybe(aText), "why, in words; missing: nothing went wrong", ""},
		{"untold", maybe(aCount), "how many like it there were since the last that was told; missing: none", ""},
	}}
}

// Links is the form of dexetl invite.
func Links() Form {
	return rows("links", 1, "What dexetl invite prints: links by which participants connect.", "one for each new link", []part{
		{"participant_id", anID, "study pseudonym from the roster", ""},
		{"link", anID, "a secret of the participant", ""},
		{"expires", aMinute, "when it stops to work, UTC", ""},
	})
}

// Invite is the form of dexetl invite --csv and --png.
func Invite() Form {
	return Form{"invite", 1, "What dexetl invite prints where the links go to files.", []part{
		{"links", aCount, "links that were made", ""},
		{"csv", aText, "file with the links", "none was asked for"},
		{"png", aText, "folder with a QR code for each link", "none was asked for"},
	}}
}

// Invitations is the form of dexetl invite list.
func Invitations() Form {
	return rows("invitations", 1, "What dexetl invite list prints: where everybody's consent stands.", "one for each participant; the times are those of the newest link", []part{
		{"participant_id", anID, "study pseudonym from the roster", ""},
		{"standing", wordOf("not_invited", "not_opened", "opened", "denied", "unconfirmed", "not_confirmed", "link_expired", "connected", "needs_reconsent", "withdrawn"),
			"where the consent stands", ""},
		{"links", aCount, "links that were made", ""},
		{"invited_at", aMinute, "when the link was made, UTC", "no link was made"},
		{"expires", aMinute, "when it stops to work, UTC", "no link was made"},
		{"opened_at", aMinute, "when it was first opened, UTC", "not yet"},
		{"denied_at", aMinute, "when the person chose not to share, UTC", "they did not"},
		{"connected_at", aMinute, "when the person connected by it, UTC", "not yet"},
		{"revoked_at", aMinute, "when it was ended, UTC", "it was not"},
	})
}

// Revoked is the form of dexetl invite --revoke.
func Revoked() Form {
	return Form{"revoked", 1, "What dexetl invite --revoke prints.", []part{
		{"links", aCount, "links that were ended", ""},
	}}
}
