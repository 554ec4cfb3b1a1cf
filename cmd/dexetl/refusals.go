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
func cureOf(r cohort.Refusal, participantID string) string {
	if r.Resource == string(dexcom.DataRange) { // without it nothing is asked for
		return "ask Dexcom whether the app may read the account, or sign in again: dexetl connect " + participantID
	}
	cure := "leave " + r.Resource + " out of sync.resources in " + config.File
	if r.Status < http.StatusBadRequest { // it was not refused, only not as it must be
		return cure
	}
	return cure + ", or ask Dexcom for the scope"
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
