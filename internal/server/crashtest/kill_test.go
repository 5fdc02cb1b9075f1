//go:build unix

package crashtest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// slotsOfChannel is how many sends one channel may have under way (apps/notify).
const slotsOfChannel = 48

// TestKill kills the hub by SIGKILL under load: at random moments, right after a promise, and while a delivery is on the wire.
func TestKill(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	// Where starts take longer there must be more time between them, or nothing is ever taken in.
	seeds, alerts, least, most := 1, 700*slow, 500*time.Millisecond*slow, 2*time.Second*slow
	if long() {
		seeds, alerts, least, most = 5, 6000, 2*time.Second, 5*time.Second
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			t.Parallel()
			engines(t, func(t *testing.T, engine, url string) {
				h, r := newHub(t, url, nil), newReceiver(t)
				h.start()
				h.tell(r)
				l := newLoad(h, 100)
				k := &killer{hub: h, receiver: r, load: l, random: rand.New(rand.NewPCG(uint64(seed), 1)), least: least, most: most}
				l.onAccepted = k.accepted
				l.start(alerts)
				faults := k.run()
				l.over.Wait()
				a := &audit{hub: h, load: l, receiver: r, perKill: slotsOfChannel + 10, within: 30 * time.Second * slow}
				o := a.check(t)
				if faults < 4 || o.accepted < alerts/10 {
					t.Errorf("%d kills and %d alerts accepted: too few to say anything", faults, o.accepted)
				}
				summary.add(fmt.Sprintf("C1 kill -9, %s, seed %d", engine, seed), faults, o, readyTimes(h)+", at rest after "+o.rest.Round(10*time.Millisecond).String())
			})
		})
	}
}

// killer kills a hub again and again while a load lasts.
type killer struct {
	hub         *hub
	receiver    *receiver
	load        *load
	random      *rand.Rand
	least, most time.Duration
	promised    chan struct{} // set: signal the next 2xx
}

// accepted is called after every 2xx, under the load's lock.
func (k *killer) accepted() {
	if k.promised != nil {
		close(k.promised)
		k.promised = nil
	}
}

// run kills and starts until the load is over, and returns how often.
func (k *killer) run() (kills int) {
	over := make(chan struct{})
	go func() { k.load.over.Wait(); close(over) }()
	for {
		select {
		case <-over:
			return kills
		case <-time.After(k.least + time.Duration(k.random.Int64N(int64(k.most-k.least)))):
		}
		aimed := make(chan struct{})
		switch kills % 3 {
		case 1: // right after a promise
			k.load.mu.Lock()
			k.promised = aimed
			k.load.mu.Unlock()
		case 2: // with a delivery on the wire
			aimed = k.receiver.held
			k.receiver.holdNext(1 + k.random.IntN(slotsOfChannel))
		default:
			close(aimed)
		}
		select {
		case <-aimed:
		case <-over:
		}
		k.hub.kill()
		k.receiver.release()
		kills++
		k.hub.start()
	}
}

// TestTakenUpAgain kills a hub that has the product's lease and sweep: its work is taken up again in 45 s (I10).
func TestTakenUpAgain(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes 45 seconds")
	}
	slowly(t, func(t *testing.T, engine, url string) {
		h, r := newHub(t, url, map[string]string{"HUB_LEASE": ""}), newReceiver(t)
		h.start()
		h.tell(r)
		l := newLoad(h, 100)
		r.holdNext(slotsOfChannel)
		l.start(150)
		l.over.Wait() // the channel's slots are full and the rest waits, held or due
		h.kill()
		killed := h.kills[0].to
		r.release()
		h.start()
		a := &audit{hub: h, load: l, receiver: r, perKill: slotsOfChannel + 10, within: time.Minute}
		o := a.check(t)
		took := a.idle.Sub(killed)
		if took > 45*time.Second {
			t.Errorf("all work was done %s after the kill, not within 45s", took)
		}
		if o.repeats < slotsOfChannel {
			t.Errorf("%d repeats: the deliveries on the wire were not taken up again", o.repeats)
		}
		summary.add("I10 kill -9, lease 30 s, "+engine, 1, o, readyTimes(h)+", all done after "+took.Round(100*time.Millisecond).String())
	})
}
