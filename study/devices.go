package study

import (
	"context"
	"fmt"
	"time"
)

// A Device is what a participant's readings came by, as Dexcom last told it.
type Device struct {
	Generation string // of the transmitter, such as g7
	Display    string // what shows the readings, such as iOS
	App        string // of that; ""
	Since      time.Time
}

// Devices are a participant's of today, in the order in which they were first seen.
func (s *Study) Devices(ctx context.Context, id string) (all []Device, err error) {
	t, err := s.QueryOnly(ctx, []string{"devices"}, "", `
		select coalesce(transmitter_generation, ''), coalesce(display_device, ''), coalesce(display_app, ''), min(first_seen_at)
		from devices
		where participant_id = ? and valid_to is null
		group by all
		order by 4, 1, 2, 3`, id)
	if is[*EmptyLakeError](err) {
		return nil, nil
	}
	for _, row := range t.Rows {
		d := Device{Generation: fmt.Sprint(row[0]), Display: fmt.Sprint(row[1]), App: fmt.Sprint(row[2])}
		d.Since, _ = row[3].(time.Time)
		all = append(all, d)
	}
	return all, err
}
