package main

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/dexetl/dexetl/extract/cohort"
	"github.com/dexetl/dexetl/extract/dexcom"
	"github.com/dexetl/dexetl/study/config"
)

// cureOf says what helps where the API refuses something for good.
func cureOf(r cohort.Refusal) string {
	if r.Resource == string(dexcom.DataRange) { // without it nothing is asked for
		return "ask Dexcom whether the app may read the account, or let the participant sign in again"
	}
	stop := "ask nobody for " + r.Resource + " any more, by taking it out of sync.resources in " + config.File
	if r.Status < http.StatusBadRequest { // it was not refused, only not as it must be
		return stop
	}
	return "ask Dexcom for the scope, or " + stop
}

// mendRefusal is what was refused, and what helps, with the command if there is one.
func mendRefusal(r cohort.Refusal, participantID string, line speller) string {
	text := refusedWords(r) + ": " + cureOf(r)
	if r.Resource == string(dexcom.DataRange) {
		text += ": " + line("connect", participantID)
	}
	return text
}

// refusedWords say what was refused, and what the server said.
func refusedWords(r cohort.Refusal) string {
	switch r.Status {
	case http.StatusOK:
		return r.Resource + ": the answer for one day is too large: " + r.Words
	}
	text := strings.TrimSpace(fmt.Sprintf("%s: Dexcom refuses it: %d %s", r.Resource, r.Status, http.StatusText(r.Status)))
	if r.Words != "" {
		text += " (" + r.Words + ")"
	}
	return text
}
