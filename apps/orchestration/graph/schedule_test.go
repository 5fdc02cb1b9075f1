package graph

import (
	"strings"
	"testing"
	"time"
)

// TestScheduleClocks: the firings within a span, where clocks are put forward and back, and on the day that most years do not have.
func TestScheduleClocks(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ cron, zone, from, until, want string }{
		"02:30 that is left out":       {"30 2 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-30T12:00Z", "2026-03-30T00:30Z"},
		"03:30 on that day":            {"30 3 * * *", "Europe/Berlin", "2026-03-28T12:00Z", "2026-03-30T12:00Z", "2026-03-29T01:30Z 2026-03-30T01:30Z"},
		"02:30 twice":                  {"30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", "2026-10-26T12:00Z", "2026-10-25T00:30Z 2026-10-26T01:30Z"},
		"01:30 twice":                  {"30 1 * * *", "America/New_York", "2026-10-31T12:00Z", "2026-11-02T12:00Z", "2026-11-01T05:30Z 2026-11-02T06:30Z"},
		"every half hour, forward":     {"*/30 * * * *", "Europe/Berlin", "2026-03-29T00:00Z", "2026-03-29T02:00Z", "2026-03-29T00:30Z 2026-03-29T01:00Z 2026-03-29T01:30Z 2026-03-29T02:00Z"},
		"every half hour, back":        {"*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00Z", "2026-10-25T02:00Z", "2026-10-25T00:30Z 2026-10-25T01:00Z 2026-10-25T01:30Z 2026-10-25T02:00Z"},
		"hourly, half an hour back":    {"@hourly", "Australia/Lord_Howe", "2026-04-04T14:00Z", "2026-04-04T17:00Z", "2026-04-04T15:30Z 2026-04-04T16:30Z"},
		"01:45 twice, by half an hour": {"45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00Z", "2026-04-05T00:00Z", "2026-04-04T14:45Z"},
		"midnight that is left out":    {"0 0 * * *", "Africa/Cairo", "2026-04-22T23:00Z", "2026-04-25T00:00Z", "2026-04-24T21:00Z"},
		"leap day":                     {"0 12 29 2 *", "", "2026-01-01T00:00Z", "2033-01-01T00:00Z", "2028-02-29T12:00Z 2032-02-29T12:00Z"},
		"end of February":              {"0 0 * * *", "", "2028-02-27T12:00Z", "2028-03-01T12:00Z", "2028-02-28T00:00Z 2028-02-29T00:00Z 2028-03-01T00:00Z"},
		"no summer time":               {"30 2 * * *", "Asia/Kolkata", "2026-03-28T12:00Z", "2026-03-30T12:00Z", "2026-03-28T21:00Z 2026-03-29T21:00Z"},
		"every, whoever asks":          {"@every 25m", "", "2026-03-28T12:07Z", "2026-03-28T13:10Z", "2026-03-28T12:25Z 2026-03-28T12:50Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := ParseSchedule(tt.cron, tt.zone)
			if err != nil {
				t.Fatal(err)
			}
			const minute = "2006-01-02T15:04Z"
			from, err := time.Parse(minute, tt.from)
			if err != nil {
				t.Fatal(err)
			}
			until, err := time.Parse(minute, tt.until)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for at := s.Next(from); !at.After(until); at = s.Next(at) {
				got = append(got, at.Format(minute))
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("got  %s\nwant %s", strings.Join(got, " "), tt.want)
			}
			last := s.Last(from, until)
			if last.Format(minute) != got[len(got)-1] {
				t.Errorf("the last is %s", last)
			}
			if again := s.Last(last, until); !again.IsZero() {
				t.Errorf("after the last one comes %s", again)
			}
		})
	}
}
