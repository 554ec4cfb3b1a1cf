package figure

// Ranges are shares of glucose, 0 to 100, that add to 100: very low, low, in range, high,
// very high. They are NaN without a value.
type Ranges [5]float64

// rangeClasses are the classes of the ranges in their order, lowest first.
func rangeClasses() [5]string { return [5]string{"very-low", "low", "in-range", "high", "very-high"} }

// RangeWords are the names of the ranges in their order, lowest first.
func RangeWords() [5]string { return [5]string{"very low", "low", "in range", "high", "very high"} }
