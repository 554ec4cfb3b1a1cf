//go:build linux || darwin

package report

// profilePath is the page of a participant. Ids are letters, digits, _ and - alone (see
// cohort.CheckID), and differ by more than case: they are names of files and parts of a
// path as they are.
func profilePath(id string) string { return profiles + "/" + id + ".html" }
