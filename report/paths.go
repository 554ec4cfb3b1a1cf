package report

// profilePath is the page of a participant in the folder of the report. Ids are letters,
// digits, "_" and "-", so that they are file names as they are.
func profilePath(id string) string { return profiles + "/" + id + ".html" }
