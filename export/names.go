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
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// The study names its groups and windows as it likes, and they stay, for they are what is
// compared. A name that has somebody's id, a site, the city of a time zone or, where times
// move, a date in it tells what the export does not: it gets a code, the same one everywhere.

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
	telling, err := w.texts(ctx, "select participant_id from participants union select site from participants union select split_part(timezone, '/', -1) from participants")
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

// tells reports whether a name has an id, a site or a city in it, however it is written: case,
// width, how accents are composed, and what is neither letter nor digit do not count. One or
// two letters are in many names, and tell where they are a word of their own; in a script
// without spaces between words they are words.
func tells(name, of string) bool {
	name, of = folded(name), folded(of)
	is := strings.Join(wordsOf(of), "")
	if utf8.RuneCountInString(is) < 3 && !strings.ContainsFunc(is, spaceless) {
		return slices.Contains(wordsOf(name), is) || slices.Contains(strings.Fields(name), of)
	}
	return is != "" && strings.Contains(strings.Join(wordsOf(name), ""), is)
}

// folded is a text as all ways of writing it have in common.
func folded(text string) string { return cases.Fold().String(norm.NFKC.String(text)) }

func wordsOf(folded string) []string {
	return strings.FieldsFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
}

// spaceless reports whether a letter is of a script that has no spaces between words.
func spaceless(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// Months in English, German and French. Those of a few letters are in other words, too.
const (
	longMonths  = `january|february|march|april|august|september|october|november|december|januar|jänner|jaenner|februar|feber|oktober|dezember|janvier|f[ée]vrier|avril|juillet|septembre|octobre|novembre|d[ée]cembre`
	shortMonths = `jan|janv|feb|febr|f[ée]v|f[ée]vr|mar|mars|märz|marz|maerz|mrz|apr|avr|may|mai|june?|juni|juin|july?|juli|juil|aug|ao[uû]t|sept?|o[ck]t|nov|de[cz]|déc`
)

// dates are four digits in a row, three numbers as a date has them, and months.
var dates = regexp.MustCompile(`(?i)\p{Nd}{4}|` +
	`(^|\P{Nd})\p{Nd}{1,2}[^\pL\p{Nd}]+\p{Nd}{1,2}[^\pL\p{Nd}]+\p{Nd}{2}(\P{Nd}|$)|` + // 4.3.31
	longMonths + `|(^|[^\pL])(` + shortMonths + `)([^\pL]|$)`)

// hasDate reports whether there may be a date in a name, or a month.
func hasDate(name string) bool {
	return dates.MatchString(name) || dates.MatchString(humps.ReplaceAllString(norm.NFKC.String(name), "$1 $2"))
}

// humps are where a word begins within a name: startJan.
var humps = regexp.MustCompile(`(\p{Ll})(\p{Lu})`)
