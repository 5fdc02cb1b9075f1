//go:build unix

package crashtest

import (
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// stopIn is how long an orderly end may take (I17).
const stopIn = 25 * time.Second

// TestTerminate stops the hub by SIGTERM under load, again and again: nothing is lost and nothing is sent twice.
func TestTerminate(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	times := 5
	if long() {
		times = 20
	}
	engines(t, func(t *testing.T, engine, url string) {
		h, r := newHub(t, url, map[string]string{"HUB_LEASE": ""}), newReceiver(t)
		r.answerAfter(300 * time.Millisecond) // more than the channel's slots can take: some wait in memory, some in the table
		h.start()
		h.tell(r)
		l := newLoad(h, 100)
		l.start(0)
		worst := time.Duration(0)
		for n := range times {
			time.Sleep(700*time.Millisecond + time.Duration(n%5)*100*time.Millisecond)
			unready := time.Duration(0)
			took, code := h.terminate(stopIn, func() {
				began := time.Now()
				testkit.Eventually(t, 2*time.Second*slow, func() bool { return !h.healthy() }, "ready after SIGTERM")
				unready = time.Since(began)
			})
			if code != 0 {
				t.Errorf("exit code %d after %s", code, took)
			}
			if unready > 500*time.Millisecond*slow {
				t.Errorf("ready for %s after SIGTERM", unready)
			}
			worst = max(worst, took)
			h.start()
		}
		l.end()
		r.answerAfter(0)
		a := &audit{hub: h, load: l, receiver: r, within: 30 * time.Second * slow}
		o := a.check(t)
		if o.repeats != 0 {
			t.Errorf("%d messages came twice", o.repeats)
		}
		summary.add("C15 SIGTERM, "+engine, times, o, "stopped in "+worst.Round(time.Millisecond).String()+" (worst), "+readyTimes(h)+
			", at rest after "+o.rest.Round(10*time.Millisecond).String())
	})
}
