package schemas

// Schemas is the form of dexetl schema list.
func Schemas() Form {
	return rows("schemas", 1, "What dexetl schema list prints: the types that there are documents of.", "one for each type", []part{
		{"group", wordOf("dexcom", "lake", "cli"), "dexcom: a type of Dexcom's API; lake: a row of a table; cli: a JSON output of dexetl", ""},
		{"name", aText, "name that dexetl schema show takes", ""},
		{"documents", texts(), "json-schema, json-structure, example: those that there are", ""},
		{"title", aText, "what people call it", ""},
	})
}

// Check is the form of dexetl schema check.
func Check() Form {
	return Form{"check", 1, "What dexetl schema check prints: what saved answers hold that dexetl does not know. It repeats no values; short names of unknown members are as sent.", []part{
		{"program", aText, "version of the program, which did not know it", ""},
		{"read", listOf(
			part{"type", aText, "a type of Dexcom's, such as egvs-response", ""},
			part{"answers", aCount, "answers of it that were read", ""},
			part{"records", aCount, "records in them", ""},
		), "what was read, by type", ""},
		{"findings", listOf(
			part{"type", aText, "type of the answer", ""},
			part{"what", wordOf(whats()...), "what is new about a value", ""},
			part{"path", aText, "where, from the answer on, such as records[].value; a point is the answer itself", ""},
			part{"count", aCount, "how often", ""},
			part{"seen", aText, "what stood there: a kind of value, a word of an enum, the shape of a time with every digit as 9; empty: there is no more to say", ""},
		), "what is new, in the order in which it was met", ""},
	}}
}
