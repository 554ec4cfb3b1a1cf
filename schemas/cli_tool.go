package schemas

// Version is the form of dexetl version.
func Version() Form {
	return Form{"version", 1, "What dexetl version prints: the program.", []part{
		{"version", aText, "version of the module, else the commit it was built from", ""},
		{"go", aText, "version of Go it was built with", ""},
		{"platform", aText, "operating system and processor, such as linux/amd64", ""},
	}}
}

// Init is the form of dexetl init.
func Init() Form {
	return Form{"init", 1, "What dexetl init prints: the study folder it made.", []part{
		{"study", aText, "path of the study folder, as given", ""},
	}}
}

// Doctor is the form of dexetl doctor.
func Doctor() Form {
	return rows("doctor", 1, "What dexetl doctor prints: what it looked at, in the order in which it looked.", "one for each check that could be made", []part{
		{"check", aText, "what was looked at", ""},
		{"result", wordOf("ok", "warn", "fail"), "how it is; the exit code is that of the first fail", ""},
		{"detail", aText, "what was found, in words", ""},
		{"advice", aText, "what to do that is no command", "nothing"},
		{"next", aText, "the command that helps", "none does"},
	})
}

// Error is the form of an error of any command, one line on standard error.
func Error() Form {
	return Form{"error", 1, "An error of any command, in one line on standard error: what, why and the next command.", []part{
		{"code", shape{kind: "integer", more: object{{"enum", []any{1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 130}}}}, "exit code of the process", ""},
		{"error", aText, "what went wrong and why, in words", ""},
		{"advice", aText, "what to do that is no command; empty: nothing", ""},
		{"next", aText, "the command that helps, with the flags that were given; empty: none does", ""},
	}}
}

// Simulate is the form of the line in which dexetl simulate says that it serves.
func Simulate() Form {
	return Form{"simulate", 1, "The line that dexetl simulate prints once it serves.", []part{
		{"url", aText, "base URL of the simulated API", ""},
		{"client_id", aText, "client id that it takes", ""},
	}}
}
