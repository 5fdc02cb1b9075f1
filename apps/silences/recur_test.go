package silences

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		panic(err)
	}
	return t.UTC()
}

func TestWindows(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rule, length, zone, starts, ends, from string
		want                                   []string // starts, with ends where they are not a length later
	}{
		"every sunday night": {
			rule: "FREQ=WEEKLY;BYDAY=SU;BYHOUR=2;BYMINUTE=0", length: "4h", zone: "America/New_York", starts: "2026-01-01T00:00:00Z", from: "2026-01-01T00:00:00Z",
			want: []string{"2026-01-04T07:00:00Z", "2026-01-11T07:00:00Z", "2026-01-18T07:00:00Z"},
		},
		"a minute that is named begins in full": {
			rule: "FREQ=DAILY;BYHOUR=2;BYMINUTE=0", length: "1h", starts: "2026-01-01T00:00:56Z", from: "2026-01-01T00:00:00Z",
			want: []string{"2026-01-01T02:00:00Z", "2026-01-02T02:00:00Z", "2026-01-03T02:00:00Z"},
		},
		"two at once": { // 02:30 does not come on 29 March and is 03:30, too
			rule: "FREQ=DAILY;BYHOUR=2,3;BYMINUTE=0,30", length: "10m", zone: "Europe/Berlin", starts: "2026-03-29T00:00:00Z", from: "2026-03-29T01:00:00Z",
			want: []string{"2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:00:00Z"},
		},
		"long ago": {
			rule: "FREQ=DAILY;INTERVAL=3", length: "1h", zone: "Europe/Berlin", starts: "1996-03-01T08:00:00Z", from: "2026-07-01T00:00:00Z",
			want: []string{"2026-07-01T07:00:00Z", "2026-07-04T07:00:00Z", "2026-07-07T07:00:00Z"},
		},
		"the zone's clock counts": { // summer time begins on 29 March, and ends on 25 October
			rule: "FREQ=DAILY", length: "1h", zone: "Europe/Berlin", starts: "2026-03-27T21:00:00Z", from: "2026-03-27T00:00:00Z",
			want: []string{"2026-03-27T21:00:00Z", "2026-03-28T21:00:00Z", "2026-03-29T20:00:00Z"},
		},
		"a time that is skipped": { // 02:30 does not come on 29 March: it is 03:30 then
			rule: "FREQ=DAILY;BYHOUR=2;BYMINUTE=30", length: "1h", zone: "Europe/Berlin", starts: "2026-03-28T00:00:00Z", from: "2026-03-28T00:00:00Z",
			want: []string{"2026-03-28T01:30:00Z", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"},
		},
		"a time that comes twice": { // 02:30 on 25 October: the first
			rule: "FREQ=DAILY;BYHOUR=2;BYMINUTE=30", length: "1h", zone: "Europe/Berlin", starts: "2026-10-24T00:00:00Z", from: "2026-10-24T00:00:00Z",
			want: []string{"2026-10-24T00:30:00Z", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"},
		},
		"a long one over the change": { // it lasts as long as it says
			rule: "FREQ=YEARLY", length: "1d", zone: "Europe/Berlin", starts: "2026-03-28T11:00:00Z", from: "2026-03-28T00:00:00Z",
			want: []string{"2026-03-28T11:00:00Z", "2027-03-28T10:00:00Z", "2028-03-28T10:00:00Z"},
		},
		"the last friday of a month": {
			rule: "FREQ=MONTHLY;BYDAY=-1FR;BYHOUR=22", length: "2h", starts: "2026-01-01T00:15:00Z", from: "2026-01-01T00:00:00Z",
			want: []string{"2026-01-30T22:15:00Z", "2026-02-27T22:15:00Z", "2026-03-27T22:15:00Z"},
		},
		"the last working day": {
			rule: "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", length: "2h", starts: "2026-01-01T10:00:00Z", from: "2026-01-01T00:00:00Z",
			want: []string{"2026-01-30T10:00:00Z", "2026-02-27T10:00:00Z", "2026-03-31T10:00:00Z"},
		},
		"some times": {
			rule: "FREQ=DAILY;COUNT=2", length: "2h", starts: "2026-01-01T10:00:00Z", from: "2026-01-01T00:00:00Z",
			want: []string{"2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z"},
		},
		"until a day": {
			rule: "FREQ=DAILY;UNTIL=20260102", length: "2h", starts: "2026-01-01T10:00:00Z", from: "2026-01-01T00:00:00Z",
			want: []string{"2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z"},
		},
		"until a time of utc": {
			rule: "FREQ=DAILY;UNTIL=20260102T090000Z", length: "2h", zone: "Europe/Berlin", starts: "2026-01-01T10:00:00Z", from: "2026-01-01T00:00:00Z",
			want: []string{"2026-01-01T10:00:00Z"},
		},
		"the series ends": {
			rule: "FREQ=DAILY", length: "2h", starts: "2026-01-01T10:00:00Z", ends: "2026-01-02T11:00:00Z", from: "2026-01-01T00:00:00Z",
			want: []string{"2026-01-01T10:00:00Z", "2026-01-02T10:00:00Z 2026-01-02T11:00:00Z"},
		},
		"in the middle of one": {
			rule: "RRULE:freq=daily;", length: "3600", starts: "2026-01-01T10:00:00Z", from: "2026-01-05T10:59:59Z",
			want: []string{"2026-01-05T10:00:00Z", "2026-01-06T10:00:00Z", "2026-01-07T10:00:00Z"},
		},
		"leap days": {
			rule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29", length: "1h", starts: "2026-01-01T10:00:00Z", from: "2026-01-01T00:00:00Z",
			want: []string{"2028-02-29T10:00:00Z", "2032-02-29T10:00:00Z", "2036-02-29T10:00:00Z"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ends time.Time
			if tt.ends != "" {
				ends = at(tt.ends)
			}
			c, bad := compileRule(Recurrence{tt.rule, tt.length, tt.zone}, at(tt.starts), ends)
			if len(bad) > 0 {
				t.Fatal(bad)
			}
			var got []string
			for _, w := range c.windows(at(tt.from), at(tt.from).AddDate(50, 0, 0), 3) {
				s := w.Start.UTC().Format(time.RFC3339)
				if w.End.Sub(w.Start) != c.length {
					s += " " + w.End.UTC().Format(time.RFC3339)
				}
				got = append(got, s)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestEarlier: a rule goes back in time in step.
func TestEarlier(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		"FREQ=DAILY;INTERVAL=3":                  "2026-06-01T10:00:00Z 2026-06-04T10:00:00Z 2026-06-07T10:00:00Z",
		"FREQ=WEEKLY;BYDAY=MO,TH":                "2026-06-01T10:00:00Z 2026-06-04T10:00:00Z",
		"FREQ=WEEKLY;INTERVAL=2;COUNT=1":         "2026-06-05T10:00:00Z",
		"FREQ=MONTHLY;INTERVAL=2;UNTIL=20260901": "",
		"FREQ=MONTHLY":                           "",
		"FREQ=YEARLY":                            "",
		"FREQ=MONTHLY;BYMONTHDAY=3":              "2026-06-03T10:00:00Z",
		"FREQ=YEARLY;BYMONTH=6;BYMONTHDAY=7":     "2026-06-07T10:00:00Z",
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			c, bad := compileRule(Recurrence{rule, "1h", ""}, at("2026-07-31T10:00:00Z"), time.Time{})
			if strings.Contains(rule, "INTERVAL=3") {
				c, bad = compileRule(Recurrence{rule, "1h", ""}, at("2026-06-10T10:00:00Z"), time.Time{})
			}
			if len(bad) > 0 {
				t.Fatal(bad)
			}
			var got []string
			for _, w := range c.earlier(at("2026-05-01T00:00:00Z")).windows(at("2026-06-01T00:00:00Z"), at("2026-06-08T00:00:00Z"), 100) {
				got = append(got, w.Start.Format(time.RFC3339))
			}
			if s := strings.Join(got, " "); s != want {
				t.Errorf("got %s, want %s", s, want)
			}
		})
	}
}

func TestBadRules(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		"":                                "is missing",
		"FREQ=HOURLY":                     "FREQ must be",
		"FREQ=DAILY;FREQ=DAILY":           "given twice",
		"INTERVAL=2":                      "FREQ is missing",
		"FREQ=DAILY;X=1":                  "X is not known",
		"FREQ=DAILY;BYSECOND=1":           "BYSECOND is not known",
		"FREQ=DAILY;DTSTART=20260101":     "starts_at",
		"FREQ=DAILY;INTERVAL=0":           "from 1 to 366",
		"FREQ=DAILY;COUNT=100000":         "from 1 to 10000",
		"FREQ=DAILY;COUNT=1;UNTIL=202601": "UNTIL must",
		"FREQ=DAILY;BYHOUR=24":            "from 0 to 23",
		"FREQ=WEEKLY;BYDAY=1MO":           "are for MONTHLY",
		"FREQ=MONTHLY;BYDAY=53MO":         "from 1 to 5",
		"FREQ=MONTHLY;BYDAY=XX":           "is no day",
		"FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12;BYMINUTE=0,10,20,30": "more than 48",
		"FREQ=DAILY;BYMONTH=2,4;BYMONTHDAY=31":                               "no month has", "FREQ=DAILY;BYSETPOS=2": "is for MONTHLY",
		"FREQ": "NAME=VALUE", "FREQ=DAILY;COUNT=1;UNTIL=20260101": "one of them is enough",
		strings.Repeat("A", 501): "more than 500",
	} {
		_, err := parseRule(rule, time.UTC)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", rule, err, want)
		}
	}
}

// TestRulesAreBounded: what never comes, and what comes very often, costs little.
func TestRulesAreBounded(t *testing.T) {
	t.Parallel()
	for _, rule := range []string{
		"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "FREQ=MONTHLY;INTERVAL=12;BYMONTH=2", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31", "FREQ=DAILY;INTERVAL=7;BYDAY=MO",
		"FREQ=DAILY;BYHOUR=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23;BYMINUTE=0,30",
	} {
		began := time.Now()
		c, bad := compileRule(Recurrence{rule, "1m", ""}, at("2021-12-01T00:00:00Z"), time.Time{})
		if len(bad) == 0 {
			c.windows(at("2026-11-21T00:00:00Z"), at("2026-11-29T00:00:00Z"), maxWindows)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s took %s", rule, took)
		} else {
			t.Logf("%s took %s", rule, took)
		}
	}
}

func FuzzRule(f *testing.F) {
	for _, s := range []string{"FREQ=WEEKLY;BYDAY=SU", "FREQ=MONTHLY;BYDAY=-1FR;BYSETPOS=1", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"} {
		f.Add(s)
	}
	f.Fuzz(func(_ *testing.T, s string) {
		c, bad := compileRule(Recurrence{s, "1h", "Europe/Berlin"}, at("2026-01-01T00:00:00Z"), time.Time{})
		if len(bad) == 0 {
			c.windows(at("2026-01-01T00:00:00Z"), at("2026-03-01T00:00:00Z"), 10)
			c.earlier(at("2025-01-01T00:00:00Z"))
		}
	})
}
