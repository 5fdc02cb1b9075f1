//go:build unix

package crashtest

import (
	"os"
	"testing"
	"time"
)

// longVariable asks for the long form: `make chaos`.
const longVariable = "HUB_CHAOS"

// long reports whether the long form was asked for. It has the loads, the kills and the bars of RELIABILITY, for a machine that has
// little else to do. The short form runs anywhere, with the race detector and beside other packages' tests: it loads the hub lightly,
// checks the same facts, measures times and judges none.
func long() bool { return os.Getenv(longVariable) != "" }

// pick is one value for the short form and another one for the long.
func pick[T any](short, full T) T {
	if long() {
		return full
	}
	return short
}

// patience is how long anything is waited for. It is no bar: what has not come by then does not come at all.
const patience = 2 * time.Minute

// bar fails the long form when something took longer than it may.
func bar(t *testing.T, what string, took, limit time.Duration) {
	t.Helper()
	if long() && took > limit {
		t.Errorf("%s took %s, more than %s", what, took.Round(time.Millisecond), limit)
	}
}

// lease is how long work is held in tests that wait for what a dead hub held. To claim, take and send takes up to four commits: in the
// short form there is time for that where a commit takes seconds.
func lease() time.Duration { return pick(20*time.Second, 3*time.Second) }

// outage is how long the nth fault lasts: longer than a lease, so that what the hub has sent and cannot book is due again meanwhile. In
// the short form that is so the first time only.
func outage(n int) time.Duration {
	if n > 0 && !long() {
		return time.Second
	}
	return lease() + time.Second
}
