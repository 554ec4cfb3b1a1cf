package schemas

import "strings"

// timePattern is what exactly those texts match that dexcom.ParseTime takes, as a
// regular expression of ECMA-262, which Go and Python read alike.
func timePattern() string {
	const (
		leapYear = "([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)"
		date     = "([0-9]{4}-(" +
			"(0?[13578]|1[02])-(0?[1-9]|[12][0-9]|3[01])|" +
			"(0?[469]|11)-(0?[1-9]|[12][0-9]|30)|" +
			"0?2-(0?[1-9]|1[0-9]|2[0-8]))|" +
			leapYear + "-0?2-29)"
		clock  = "([01]?[0-9]|2[0-3]):[0-5]?[0-9](:[0-5]?[0-9](\\.[0-9]{1,9})?)?"
		part   = "(:?[0-5][0-9](:?[0-5][0-9])?)?" // minutes and seconds behind two digits of an hour
		short  = "(:[0-5][0-9](:?[0-5][0-9])?)?"  // behind one digit
		offset = "([Zz]|[+-](([01][0-9]|2[0-3])" + part + "|[0-9]" + short + "))?"
	)
	return strings.Join([]string{"^", date, "[Tt ]", clock, offset, "$"}, "")
}
