package page

// fullDays are those that GMI and targets are meant for.
const fullDays = 14

// TooLittle reports whether the dates have too little data for what is meant for 14 days:
// readings cover too little of them, they are not the days in a row that were looked for,
// or they are too few. Every page goes by it.
func (d ProfileDates) TooLittle() bool {
	return !d.Sufficient || d.Sought > 0 && !d.Found || d.Days < fullDays
}
