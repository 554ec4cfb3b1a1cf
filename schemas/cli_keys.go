package schemas

// KeyAdded is the form of dexetl keys add.
func KeyAdded() Form {
	return Form{"key_added", 1, "What dexetl keys add prints: a new key of the API, which is shown this once.", append([]part{
		{"name", anID, "name of the key", ""},
		{"key", patterned(`^dxk_[0-9A-Za-z]{38}$`), "a secret: whoever has it has these rights", ""},
	}, keyRights()...)}
}

// Keys is the form of dexetl keys list.
func Keys() Form {
	return rows("keys", 2, "What dexetl keys list prints: the keys of the API.", "one for each key, oldest first", append(append([]part{
		{"name", anID, "name of the key", ""},
		{"key", anID, "beginning and end of the key", ""},
	}, keyRights()...), []part{
		{"created_at", anInstant, "when it was made, UTC", ""},
		{"last_used_at", anInstant, "when it was last used, UTC", "never"},
		{"revoked_at", anInstant, "when it was ended, UTC", "it works"},
	}...))
}

// KeyRevoked is the form of dexetl keys revoke.
func KeyRevoked() Form {
	return Form{"key_revoked", 1, "What dexetl keys revoke prints.", []part{
		{"name", anID, "name of the key, which works no more", ""},
	}}
}

func keyRights() []part {
	return []part{
		{"scope", wordOf("read", "manage"), "what it may do; manage includes read", ""},
		{"notes", aBool, "it shows free text of events, too", ""},
		{"unblinded", aBool, "it shows glucose of a blinded study, too", ""},
		{"cohort", anID, "it knows participants of this cohort alone", "it knows all"},
	}
}
