package schemas

// Backup is the form of dexetl backup.
func Backup() Form {
	return Form{"backup", 2, "What dexetl backup prints: what the copy of the study has.", append(backupParts(),
		part{"kept", aCount, "files that were there already", ""},
		part{"left_out", texts(), "files of the configuration outside of the study's folder, links and devices: they are not in the backup", ""},
		part{"lost", texts(), "data files of older snapshots, from the lake's folder, that a repair has marked as lost: the backup does not have them either", ""},
	)}
}

// Restored is the form of dexetl restore.
func Restored() Form {
	return Form{"restored", 2, "What dexetl restore prints: the study that was made of a backup.", append(backupParts(),
		part{"damaged", texts(), "files that are not as they were written; none: all are whole", ""},
		part{"as_of", anInstant, "instant of which lake and state are, UTC", ""},
		part{"trail", aBool, "it goes on with the audit trail of the study that was lost; false: nobody knows of withdrawals and erasures after as_of", ""},
		part{"warnings", texts(), "what whoever goes on with it has to know, in words: tokens, withdrawals, and what the audit trail alone knows", ""},
		part{"next", aText, "the next command", "the error on standard error says what to do"},
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
