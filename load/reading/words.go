package reading

import "strings"

// What readings need to know of the texts of a record is little: whoever reads
// many records asks once for each text.

// An Offset says where a record's offset from UTC comes from.
type Offset uint8

// NoOffset is one that nobody knows.
const (
	NoOffset Offset = iota
	Sent
	Derived
)

func (o Offset) String() string { return [...]string{"unknown", "sent", "derived"}[o] }

// OffsetOf reads utc_offset_source.
func OffsetOf(source string) Offset {
	switch source {
	case "sent":
		return Sent
	case "derived":
		return Derived
	}
	return NoOffset
}

// A Status says what a null value means.
type Status uint8

// NoStatus says nothing.
const (
	NoStatus Status = iota
	Low             // below 40 mg/dL
	High            // above 400 mg/dL
)

// StatusOf reads status, in any case.
func StatusOf(status string) Status {
	switch {
	case strings.EqualFold(status, "low"):
		return Low
	case strings.EqualFold(status, "high"):
		return High
	}
	return NoStatus
}

// A Device is the kind of what sent a record: the smallest one stands for a
// measurement.
type Device uint8

// Unknown ones stand beside receivers.
const (
	Phone Device = iota
	Receiver
	Watch
)

// DeviceOf tells it by display_device and display_app. A watch sends as the phone it
// belongs to and is named in the app.
func DeviceOf(device, app string) Device {
	switch {
	case saysWatch(app) || saysWatch(device):
		return Watch
	case strings.EqualFold(device, "iOS") || strings.EqualFold(device, "android"):
		return Phone
	}
	return Receiver
}

// saysWatch reports whether a name has the word watch in it, in any case.
func saysWatch(name string) bool {
	const word = "watch"
	for i := 0; i+len(word) <= len(name); i++ {
		if strings.EqualFold(name[i:i+len(word)], word) {
			return true
		}
	}
	return false
}
