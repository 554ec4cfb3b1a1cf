package page

// Readings are of whom readings do not count, in order of their ids.
type Readings struct {
	Valueless []string // readings came, and none has a value
	Unplaced  []string // there are readings without local time, which belong to no date
}
