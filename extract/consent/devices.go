package consent

import (
	"slices"

	"github.com/dexetl/dexetl/extract/dexcom"
)

func readDevices(a dexcom.Answer) ([]Device, error) {
	plain, err := dexcom.Plain(a.Body, a.Encoding, dexcom.DefaultMaxBody)
	if err != nil {
		return nil, err
	}
	var out []Device
	var envelope dexcom.Envelope
	for d, err := range dexcom.Records[dexcom.Device](plain, &envelope) {
		if err != nil {
			return nil, err
		}
		out = append(out, Device{
			Display: shown(d.DisplayDevice), App: shown(d.DisplayApp), Generation: shown(d.TransmitterGeneration),
			LastUpload: d.LastUpload.UTC(),
		})
	}
	slices.SortStableFunc(out, func(a, b Device) int { return b.LastUpload.Compare(a.LastUpload) })
	return out, nil
}

// shown is a text of a server fit to be shown to whoever connects.
func shown(text dexcom.Text) string {
	return dexcom.Shorten(dexcom.Printable(text.String()))
}
