package main

import (
	"cmp"
	"slices"

	"github.com/dexetl/dexetl/extract/consent"
	"github.com/dexetl/dexetl/table"
)

// heading is the name of a column as a study office reads it.
func heading(column string) string {
	words := map[string]string{
		"participant_id": "participant", "status": "roster status", "consent": "Dexcom account",
		"newest_record": "last reading", "needs": "what to do next", "egvs": "readings",
		"last_asked_at": "last asked", "tokens_until": "access ends",
	}[column]
	return cmp.Or(words, column)
}

// headed is t for people: with their headings.
func headed(t table.Table) table.Table {
	t.Columns, t.First = mapped(t.Columns, heading), mapped(t.First, heading)
	return t
}

// accountWords say how it stands with somebody's account, of what study.Person.Consent
// says; what is not here is said in the roster's own word.
func accountWords(consented string) string {
	words := map[string]string{
		string(consent.AuthSuspect):    "refused for now",
		string(consent.NeedsReconsent): "sign in again", string(consent.Exported): "elsewhere",
		"screen_failed": "screen failed",
	}[consented]
	return cmp.Or(words, consented)
}

// inWords is t with the accounts of a column in words.
func inWords(t table.Table, column string) table.Table {
	at := slices.Index(t.Columns, column)
	for _, row := range t.Rows {
		if text, ok := row[at].(string); ok {
			row[at] = accountWords(text)
		}
	}
	return t
}
