package dexcom

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is read ahead of the decoder is what the decoder alone would have read, to the
// last word of an error.
func FuzzAhead(f *testing.F) {
	for _, name := range []string{"egvs.json", "events.json", "calibrations.json", "alerts.json", "devices.json", "egvs-empty.json", "dataRange.json"} {
		f.Add(payload(f, name))
	}
	for _, odd := range oddBodies {
		f.Add([]byte(odd))
	}
	f.Fuzz(func(t *testing.T, plain []byte) {
		sameAhead[EGV](t, plain)
		sameAhead[Event](t, plain)
		sameAhead[Device](t, plain)
	})
}

// oddBodies are where reading ahead has to stop, or not to.
var oddBodies = []string{
	``, ` `, `{`, `{}`, `{} `, "{}\n}", `{},`, `null`, `5`, `5 `, `-`, `[]`, `"a"`, `{"a"}`, `{"a":}`, `{"a" :1}`, `{"a":1,}`, `{,}`, `{"a":1 "b":2}`, `{"a":1"b":2}`, `{"a"1}`, `{1:2}`,
	`{"records":[`, `{"records":[,]}`, `{"records":[{},]}`, `{"records":[{}{}]}`, `{"records":[{},{}`, `{"records":[ ]}`, `{"records":[ {} , {} ]}`, `{"records":[1,"a",null,[],{}]}`,
	`{"records":[{"value":01}]}`, `{"records":[{"value":-}]}`, `{"records":[{"value":1.}]}`, `{"records":[{"value":1e5,"unit":1E-2}]}`, `{"records":[{"value":-0.50}]}`, `{"records":[{"value":1x}]}`, `{"records":[{"value":+1}]}`,
	`{"records":[{"value":nul}]}`, `{"records":[{"value":nulll}]}`, `{"records":[{"value":true,"unit":false}]}`, `{"records":[{"value":True}]}`,
	`{"records":[{"unit":"a\"b"},{"unit":"c"}]}`, `{"records":[{"unit":"a` + "\n" + `b"}]}`, "{\"records\":[{\"unit\":\"a\x1fb\"}]}", "{\"records\":[{\"unit\":\"\xff\"},{\"unit\":\"\u00fcber\"},{\"\xff\":1}]}",
	`{"records":[{"unit":"a","Unit":"b"},{"unit":"a","unit":null}]}`, `{"records":[{"x":{"y":[1,{"z":"}"}]},"unit":"a"}],"records":[{"unit":"b"}]}`,
	`{"records":[{"uni\u0074":"a","value":5},{"value":6,"uni\u0074":"b"},{"x":1,"x":2}],"x":{"records":[{}]},"records":[{"value":1},{"value":2},{"x":"\n"}]} x`,
	`{"records":[{"alertSchedules":[{"alertScheduleSettings":{"daysOfWeek":["a" ,"b",""]},"alertSettings":[{"value":1},{},null]},null]}],"recordType":"devices","recordVersion":3}`,
}

// sameAhead reads plain twice, and the second time by the decoder alone.
func sameAhead[R Record, P Pointer[R]](t *testing.T, plain []byte) {
	t.Helper()
	fast, slow := newReader(plain), newReader(plain)
	slow.ahead = ahead{}
	got, want := told[R, P](fast), told[R, P](slow)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%q, read ahead (-by the decoder +ahead):\n%s", plain, diff)
	}
}

// told is all that reading says: each record, then the envelope or the error.
func told[R Record, P Pointer[R]](r *reader) (all []string) {
	var e Envelope
	recordsOf[R, P](r, &e, func(record *R, err error) bool {
		if err != nil {
			all = append(all, err.Error())
		} else {
			all = append(all, fmt.Sprintf("%#v", *record))
		}
		return true
	})
	return append(all, fmt.Sprintf("%#v", e))
}
