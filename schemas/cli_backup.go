package schemas

// Backup is the form of dexetl backup.
func Backup() Form {
	return Form{"backup", 1, "What dexetl backup prints: what the copy of the study has.", append(backupParts(),
		part{"kept", aCount, "files that were there already", ""},
		part{"left_out", texts(), "files of the configuration outside of the study's folder, links and devices: they are not in the backup", ""},
	)}
}

// Restored is the form of dexetl restore.
func Restored() Form {
	return Form{"restored", 1, "What dexetl restore prints: the study that was made of a backup.", append(backupParts(),
		part{"damaged", texts(), "files that are not as they were written; none: all are whole", ""},
	)}
}

func backupParts() []part {
	return []part{
		{"folder", aText, "folder that was written", ""},
		{"snapshot", aCount, "newest snapshot in it; 0: none", ""},
		{"begun_at", anInstant, "what came after this instant may be missing, UTC", ""},
		{"files", aCount, "files that were copied", ""},
		{"bytes", aCount, "bytes of them", ""},
	}
}
