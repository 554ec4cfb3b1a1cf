package cohort

import (
	"slices"
	"testing"
	"time"
)

// What each status means for fetching and tokens, on the days that matter.
func TestCourse(t *testing.T) {
	zone, err := time.LoadLocation("Asia/Kathmandu") // 05:45 ahead
	if err != nil {
		t.Fatal(err)
	}
	day := func(n int) time.Time { return time.Date(2026, 3, n, 0, 0, 0, 0, time.UTC) }
	end := time.Date(2026, 3, 10, 18, 15, 0, 0, time.UTC) // of 10 March there
	statusEnd := end.AddDate(0, 0, -5)
	const late = 30 * 24 * time.Hour
	for _, tt := range []struct {
		name, status       string
		studyEnd, statused time.Time
		connected          time.Time
		asked, atOnce      bool
		end, closes        time.Time
		missing            string
	}{
		{"no status, no end", "", time.Time{}, time.Time{}, day(1), true, false, time.Time{}, time.Time{}, ""},
		{"enrolled, no end", "enrolled", time.Time{}, day(5), day(1), true, false, time.Time{}, time.Time{}, ""},
		{"enrolled", "enrolled", day(10), day(5), day(1), true, false, end, end.Add(late), ""},
		{"connected after the end", "enrolled", day(10), day(5), day(25), true, false, end, day(25).Add(late), ""},
		{"never connected", "screening", day(10), day(5), time.Time{}, true, false, end, end.Add(late), ""},
		{"completed: study_end counts", "completed", day(10), day(5), day(1), true, false, end, end.Add(late), ""},
		{"completed by status_date", "completed", time.Time{}, day(5), day(1), true, false, statusEnd, statusEnd.Add(late), ""},
		{"completed, nobody says when", "completed", time.Time{}, time.Time{}, day(1), false, false, time.Time{}, time.Time{}, "study_end or status_date"},
		{"lost: status_date counts", "lost", day(10), day(5), day(1), false, false, statusEnd, statusEnd.Add(late), ""},
		{"lost, nobody says when", "lost", time.Time{}, time.Time{}, day(1), false, false, time.Time{}, time.Time{}, "status_date"},
		{"screen-failed", "screen_failed", time.Time{}, time.Time{}, day(1), false, true, time.Time{}, time.Time{}, ""},
		{"withdrawn", "withdrawn", day(10), day(5), day(1), false, true, end, end.Add(late), ""},
	} {
		p := Part{Status: tt.status, StatusDate: tt.statused, StudyEnd: tt.studyEnd, Zone: zone}
		got := p.Course(late, tt.connected)
		if got.Asked != tt.asked || got.AtOnce != tt.atOnce || !got.End.Equal(tt.end) || !got.Closes.Equal(tt.closes) || got.Missing != tt.missing {
			t.Errorf("%s: %+v, want asked %t, at once %t, end %s, closes %s, missing %q", tt.name, got, tt.asked, tt.atOnce, tt.end, tt.closes, tt.missing)
		}
	}
}

// The end is the first instant that is no longer the person's, and the late
// window is up at its end to the microsecond.
func TestCourseInTime(t *testing.T) {
	p := Part{Status: "enrolled", StudyEnd: time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)}
	c := p.Course(24*time.Hour, time.Time{})
	end := time.Date(2026, 3, 11, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		at           time.Time
		over, closed bool
	}{
		{end.Add(-time.Microsecond), false, false},
		{end, true, false},
		{end.Add(24*time.Hour - time.Microsecond), true, false},
		{end.Add(24 * time.Hour), true, true},
	} {
		if c.Over(tt.at) != tt.over || c.Closed(tt.at) != tt.closed {
			t.Errorf("at %s: over %t, closed %t, want %t, %t", tt.at, c.Over(tt.at), c.Closed(tt.at), tt.over, tt.closed)
		}
	}
}

// An unknown status asks for nothing: it is no permission.
func TestCourseOfUnknownStatus(t *testing.T) {
	if c := (Part{Status: "asleep"}).Course(time.Hour, time.Time{}); c.Asked || c.Missing == "" {
		t.Errorf("Course = %+v, want nothing asked", c)
	}
}

// Whose status ends the person's data need not be connected any more: links stop
// working for exactly those, and for a status that nobody knows.
func TestGoing(t *testing.T) {
	ended := []string{"screen_failed", "completed", "withdrawn", "lost"}
	for _, status := range []string{"", "screening", "screen_failed", "enrolled", "randomised", "completed", "withdrawn", "lost", "asleep"} {
		want := status != "asleep" && !slices.Contains(ended, status)
		if got := (Part{Status: status}).Going(); got != want {
			t.Errorf("Going with status %q = %t, want %t", status, got, want)
		}
	}
}
