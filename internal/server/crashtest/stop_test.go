//go:build unix

package crashtest

import (
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// stopIn is the bar for an orderly end (I17).
const stopIn = 25 * time.Second

// inTime is what a stop has at least, before it gives up by itself what it could not finish (internal/server).
const inTime = 20 * time.Second

// TestTerminate stops the hub by SIGTERM under load, again and again: nothing is lost and nothing is sent twice.
func TestTerminate(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	engines(t, func(t *testing.T, engine, url string) {
		c := row(t, "C15", engine, "SIGTERM under load")
		h, r := newHub(t, url, map[string]string{"HUB_LEASE": ""}), newReceiver(t)
		r.answerAfter(pick(1500*time.Millisecond, 600*time.Millisecond)) // the channel's slots do not suffice: some wait in the table
		h.start()
		h.tell(r)
		l := newLoad(h, rate())
		w := newWitness(h, l, r)
		l.start(0)
		slowest := time.Duration(0)
		times := pick(3, 20)
		for n := range times {
			l.wait(t, 20)
			time.Sleep(time.Duration(n%5) * 100 * time.Millisecond)
			took, code := h.terminate(func() {
				began := time.Now()
				testkit.Eventually(t, patience, func() bool { return !h.healthy() }, "ready after SIGTERM")
				slowest = max(slowest, time.Since(began))
			})
			// A stop that runs out of its own time says so.
			if code != 0 && (long() || took < inTime) {
				t.Errorf("exit code %d after %s", code, took)
			}
			if held := w.look(t); code == 0 && held != 0 {
				t.Errorf("exit code 0, and %d jobs are neither finished nor handed back", held)
			}
			c.within("stopped", took, stopIn)
			h.start()
		}
		l.end()
		c.within("unready", slowest, 500*time.Millisecond)
		r.answerAfter(0)
		o := (&audit{hub: h, load: l, receiver: r, witness: w}).check(t)
		if long() && o.repeats != 0 {
			t.Errorf("%d messages came twice", o.repeats)
		}
		c.faults(times)
		c.count(o)
		c.starts(h)
		c.within("at rest", o.rest, 0)
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
		c := row(t, "C15", engine, "SIGTERM, the receiver hangs")
		h, r := newHub(t, url, map[string]string{"HUB_LEASE": "5m"}), newReceiver(t)
		h.start()
		h.tell(r)
		r.holdNext(1000)
		l := newLoad(h, 10)
		w := newWitness(h, l, r)
		l.start(0)
		r.waitHeld(t, 5)
		// The hub takes alerts in for three seconds more, and begins to send the last of them when others would be gone.
		took, code := h.terminate(nil)
		l.end()
		if code != 0 && (long() || took < inTime) {
			t.Errorf("exit code %d", code)
		}
		c.within("stopped", took, stopIn)
		hung := len(r.held)
		r.forget()
		if held := w.look(t); code == 0 && held != 0 {
			t.Errorf("exit code 0, and %d jobs are not handed back", held)
		}
		h.start()
		o := (&audit{hub: h, load: l, receiver: r, witness: w}).check(t)
		c.within("at rest", o.rest, 5*time.Second)
		if o.repeats < hung || hung < pick(5, slotsOfChannel/2) {
			t.Errorf("%d of %d deliveries were handed back", o.repeats, hung)
		}
		c.faults(1)
		c.count(o)
	})
}

// TestTerminateWithoutDatabase stops a hub whose database is away: it ends in time, and what it could not book or fold is found by
// the next start.
func TestTerminateWithoutDatabase(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes 25 seconds")
	}
	c := row(t, "C15", "Postgres", "SIGTERM, the database is away")
	p := testkit.OwnPostgres(t)
	h, r := newHub(t, p.URL(), nil), newReceiver(t)
	h.settings["HUB_LEASE"] = "" // as long as the product's: longer than the stop
	r.answerAfter(200 * time.Millisecond)
	h.start()
	h.tell(r)
	l := newLoad(h, rate())
	w := newWitness(h, l, r)
	l.start(0)
	l.wait(t, pick(30, 100))
	r.holdNext(10)
	r.waitHeld(t, 1)
	if err := p.Abort(); err != nil {
		t.Fatal(err)
	}
	r.release() // nobody can store these answers
	l.end()
	took, code := h.terminate(nil)
	if code == 0 {
		t.Error("exit code 0, but outcomes could not be stored")
	}
	c.within("stopped", took, stopIn)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if w.look(t); w.onWay == 0 {
		t.Error("nothing was on its way")
	}
	h.start()
	o := (&audit{hub: h, load: l, receiver: r, witness: w}).check(t)
	c.faults(1)
	c.count(o)
	c.within("at rest", o.rest, 0)
}
