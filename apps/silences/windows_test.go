package silences

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// all are the windows between two times as the library says them from the beginning of the rule on.
func (c *rule) all(from, to time.Time) []string {
	out, seen := map[string]bool{}, []string{}
	next := c.rule.Iterator()
	for range maxWindows {
		w, ok := next()
		if !ok || w.After(to.Add(48*time.Hour)) {
			break
		}
		if w.Add(c.length + 48*time.Hour).Before(from) {
			continue // over by then in any zone
		}
		start := unwall(w, c.zone)
		if end := start.Add(c.length); end.After(from) && start.Before(to) {
			if s := start.UTC().Format(time.RFC3339); !out[s] {
				out[s], seen = true, append(seen, s)
			}
		}
	}
	return seen
}

func one[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// anyRule makes a rule up.
func anyRule(r *rand.Rand) string {
	freq := one(r, "DAILY", "WEEKLY", "MONTHLY", "YEARLY")
	parts := []string{"FREQ=" + freq}
	add := func(chance int, part string) {
		if r.IntN(chance) == 0 {
			parts = append(parts, part)
		}
	}
	add(2, fmt.Sprintf("INTERVAL=%d", 1+r.IntN(5)))
	add(3, "WKST="+one(r, "SU", "WE"))
	add(3, fmt.Sprintf("BYHOUR=%d", r.IntN(4)))
	add(3, fmt.Sprintf("BYMINUTE=%d,30", r.IntN(30)))
	add(5, fmt.Sprintf("BYMONTH=%d,%d", 1+r.IntN(12), 1+r.IntN(12)))
	switch {
	case freq == "DAILY" || freq == "WEEKLY":
		add(2, "BYDAY=MO,TH,SA")
	case r.IntN(2) == 0:
		parts = append(parts, "BYDAY="+one(r, "1SU", "-1FR", "MO,TU", "2WE,-2WE"))
		add(3, "BYSETPOS="+one(r, "1", "-1", "1,2"))
	default:
		add(2, "BYMONTHDAY="+one(r, "1", "15,31", "-1", "29"))
	}
	if r.IntN(4) == 0 {
		parts = append(parts, one(r, "COUNT=7", "COUNT=400", "UNTIL=20270301", "UNTIL=20260401T020000Z"))
	}
	return strings.Join(parts, ";")
}

// TestNearWindows: what is reckoned near a time is what comes of the rule from its beginning on, whatever the zone.
func TestNearWindows(t *testing.T) {
	t.Parallel()
	const seed = 6
	r := rand.New(rand.NewPCG(seed, seed))
	for range 1500 {
		text, zone := anyRule(r), one(r, "", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "Africa/Casablanca")
		starts := at("2022-01-01T00:00:00Z").Add(time.Duration(r.IntN(4*365*24*3600)) * time.Second)
		length := one(r, "1h", "25h", "5d", "30d")
		c, bad := compileRule(Recurrence{text, length, zone}, starts, time.Time{})
		if len(bad) > 0 {
			continue // days that no month has
		}
		from := at("2024-06-01T00:00:00Z").Add(time.Duration(r.IntN(3*365*24)) * time.Hour)
		to := from.Add(time.Duration(1+r.IntN(90*24)) * time.Hour)
		got := []string{}
		last := time.Time{}
		for _, w := range c.windows(from, to, maxWindows) {
			if w.Start.Before(last) {
				t.Errorf("%s in %s: out of order at %s", text, zone, w.Start)
			}
			last = w.Start
			got = append(got, w.Start.UTC().Format(time.RFC3339))
		}
		want := c.all(from, to)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s of %s in %q from %s, from %s to %s (-want +got):\n%s", text, length, zone, starts, from, to, diff)
		}
		if first := c.windows(from, to, 1); len(first) != min(1, len(want)) || len(first) == 1 && first[0].Start.UTC().Format(time.RFC3339) != want[0] {
			t.Fatalf("%s: the first is %v, want %v", text, first, want[:1])
		}
	}
}

// TestTouchingWindows: those without a gap between them are one, and such a series must end.
func TestTouchingWindows(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		rule, length, ends string
		over               string // of the first
		endless            bool
	}{
		"a gap":          {"FREQ=DAILY", "23h", "", "2026-01-02T09:00:00Z", false},
		"day by day":     {"FREQ=DAILY", "24h", "", "", true},
		"overlapping":    {"FREQ=WEEKLY", "8d", "", "", true},
		"all day":        {"FREQ=DAILY;BYHOUR=0,12;BYMINUTE=0", "12h", "", "", true},
		"counted":        {"FREQ=DAILY;COUNT=5", "24h", "", "2026-01-06T10:00:00Z", false},
		"until":          {"FREQ=DAILY;UNTIL=20260103", "24h", "", "2026-01-04T10:00:00Z", false},
		"the series end": {"FREQ=DAILY", "24h", "2026-01-10T08:00:00Z", "2026-01-10T08:00:00Z", false},
		"working days":   {"FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "24h", "", "2026-01-03T10:00:00Z", false}, // it begins on a Thursday
		"a summer":       {"FREQ=DAILY;BYMONTH=1,2,3", "24h", "", "2026-04-01T10:00:00Z", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var ends time.Time
			if tt.ends != "" {
				ends = at(tt.ends)
			}
			starts := at("2026-01-01T10:00:00Z")
			c, bad := compileRule(Recurrence{tt.rule, tt.length, ""}, starts, ends)
			if len(bad) > 0 {
				t.Fatal(bad)
			}
			first := c.windows(starts, starts.Add(lookAhead), 1)[0]
			if got := c.endless(first); got != tt.endless {
				t.Errorf("endless: %v", got)
			}
			if got := c.over(first).Format(time.RFC3339); !tt.endless && got != tt.over {
				t.Errorf("over at %s, want %s", got, tt.over)
			}
		})
	}
}
