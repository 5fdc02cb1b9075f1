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

// TestTerminateHung stops a hub whose receiver does not answer: it ends in time all the same, and hands the deliveries back, so that
// the next start sends them at once.
func TestTerminateHung(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes 25 seconds")
	}
	slowly(t, func(t *testing.T, engine, url string) {
		h, r := newHub(t, url, map[string]string{"HUB_LEASE": "5m"}), newReceiver(t)
		h.start()
		h.tell(r)
		r.holdNext(1000)
		l := newLoad(h, 10)
		k := kill{from: time.Now()}
		took, code := h.terminate(stopIn, func() {
			// The hub takes alerts in for three seconds more, and begins to send the last of them when others would be gone.
			l.start(30)
			l.over.Wait()
		})
		k.to = time.Now()
		h.kills = append(h.kills, k) // it explains repeats of what was on the wire
		if code != 0 {
			t.Errorf("exit code %d", code)
		}
		hung := len(r.held)
		r.release()
		h.start()
		a := &audit{hub: h, load: l, receiver: r, perKill: hung, within: 30 * time.Second * slow}
		o := a.check(t)
		if o.repeats != hung || hung < slotsOfChannel/2 || o.rest > 5*time.Second*slow {
			t.Errorf("%d of %d deliveries were handed back, all was done %s after the start", o.repeats, hung, o.rest)
		}
		summary.add("C15 SIGTERM, receiver hangs, "+engine, 1, o, "stopped in "+took.Round(100*time.Millisecond).String()+", at rest after "+
			o.rest.Round(10*time.Millisecond).String())
	})
}

// TestTerminateWithoutDatabase stops a hub whose database is away: it ends in time, and what it could not book or fold is found by
// the next start.
func TestTerminateWithoutDatabase(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes 25 seconds")
	}
	p := testkit.OwnPostgres(t)
	h, r := newHub(t, p.URL(), nil), newReceiver(t)
	h.settings["HUB_LEASE"] = "" // as long as the product's: longer than the stop
	r.answerAfter(200 * time.Millisecond)
	h.start()
	h.tell(r)
	l := newLoad(h, 100)
	l.start(0)
	testkit.Eventually(t, 10*time.Second*slow, func() bool { return len(l.promises()) >= 100 }, "the hub takes nothing in")
	if err := p.Abort(); err != nil {
		t.Fatal(err)
	}
	l.end()
	k := kill{from: time.Now()}
	took, code := h.terminate(stopIn, nil)
	k.to = time.Now()
	h.kills = append(h.kills, k) // it explains repeats of what could not be booked
	if code == 0 {
		t.Error("exit code 0, but outcomes could not be stored")
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	h.start()
	a := &audit{hub: h, load: l, receiver: r, perKill: slotsOfChannel + 30, within: time.Minute * slow, unbooked: stopIn}
	o := a.check(t)
	summary.add("C15 SIGTERM, database away", 1, o, "stopped in "+took.Round(100*time.Millisecond).String()+", at rest after "+
		o.rest.Round(10*time.Millisecond).String())
}
