//go:build linux || darwin

package export

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// The study names its groups and windows as it likes, and they stay, for they are what is
// compared. A name that has somebody's id, a site or, where times move, a date in it tells
// what the export does not: it gets a code, the same one everywhere.

// findCodes lists the names that get one.
func (w *work) findCodes(ctx context.Context) error {
	if !w.Deid {
		return nil
	}
	names, err := w.texts(ctx, `select cohort from participants union select arm from participants
		union select window_name from windows union select "window" from windows`)
	if err != nil {
		return err
	}
	telling, err := w.texts(ctx, "select participant_id from participants union select site from participants")
	if err != nil {
		return err
	}
	w.cut.codes = map[string]string{}
	for _, name := range names {
		if w.moves() && hasDate(name) || slices.ContainsFunc(telling, func(one string) bool { return tells(name, one) }) {
			w.cut.codes[name] = w.key.group(name)
		}
	}
	return nil
}

// texts are those that a statement selects, but for nulls and empty ones.
func (w *work) texts(ctx context.Context, statement string) (all []string, err error) {
	rows, err := w.db.QueryContext(ctx, "select t from ("+statement+") s(t) where t <> '' order by t")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// named is what an export calls a group or window.
func (c cut) named(value string) string {
	if len(c.codes) == 0 {
		return value
	}
	cases := "case " + value
	for _, name := range slices.Sorted(maps.Keys(c.codes)) {
		cases += fmt.Sprintf(" when %s then %s", text(name), text(c.codes[name]))
	}
	return cases + " else " + value + " end"
}

// tells reports whether a name has an id or a site in it, as a word of its own. One or two
// characters, and numbers below 10,000, are in names for other reasons.
func tells(name, of string) bool {
	letters := strings.ContainsFunc(of, unicode.IsLetter)
	if len(of) < 3 || !letters && len(of) < 5 {
		return false
	}
	found, err := regexp.MatchString(`(?i)(^|[^\pL\pN])`+regexp.QuoteMeta(of)+`($|[^\pL\pN])`, name)
	return err == nil && found
}

// months are written out or cut short, in English and German.
const months = `(jan(uary?|uar)?|feb(ruary?|ruar)?|mar(ch)?|märz|apr(il)?|may|mai|june?|juni|july?|juli|aug(ust)?|sept?(ember)?|o[ck]t(ober)?|nov(ember)?|de[cz](ember)?)`

var dates = regexp.MustCompile(`(?i)(^|\D)(19|20)\d\d([-/._ ]?(0[1-9]|1[0-2])(\D|\d\d(\D|$)|$)|[-/.]\d{1,2}[-/.]\d{1,2})|` + // 2031-03, 20310304
	`(^|\D)\d{1,2}[-/. ]+\d{1,2}[-/. ]+(\d\d|(19|20)\d\d)(\D|$)|` + // 4.3.31
	`(^|[^\pL])` + months + `[-/._ ]*\d{2,4}(\D|$)|` +
	`(^|\D)\d{2,4}[-/._ ]*` + months + `([^\pL]|$)`)

// hasDate reports whether there is a date in a name, or a month of a year.
func hasDate(name string) bool { return dates.MatchString(name) }
