package sql

import "strings"

// Among is the condition that column names one of ids, of nobody if there are none. They
// stand in it as text: DuckDB compares each row with each of many parameters, or with a
// list that has a null, one after the other, but looks text up.
func Among(column string, ids []string) string {
	if len(ids) == 0 {
		return "false"
	}
	quoted := make([]string, len(ids))
	for i, id := range ids {
		quoted[i] = "'" + strings.ReplaceAll(id, "'", "''") + "'"
	}
	return column + " in (" + strings.Join(quoted, ", ") + ")"
}
