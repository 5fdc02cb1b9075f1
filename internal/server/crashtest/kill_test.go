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

// rate is how many alerts a second are sent.
func rate() int { return pick(40, 100) }

// TestKill kills the hub by SIGKILL under load: at random moments, right after a promise, while a delivery is on the wire, and right
// after its answer.
func TestKill(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	for seed := range pick(1, 5) {
		t.Run(fmt.Sprintf("seed%d", seed), func(t *testing.T) {
			t.Parallel()
			engines(t, func(t *testing.T, engine, url string) {
				c := row(t, "C1", engine, "kill -9 under load, aimed and not")
				h, r := newHub(t, url, nil), newReceiver(t)
				h.start()
				h.tell(r)
				l := newLoad(h, rate())
				k := &killer{hub: h, receiver: r, load: l, witness: newWitness(h, l, r), random: rand.New(rand.NewPCG(uint64(seed), 1))}
				l.start(pick(0, 6000))
				faults := k.run(t, pick(6, 6000))
				l.end()
				o := (&audit{hub: h, load: l, receiver: r, witness: k.witness}).check(t)
				if faults < 4 || o.accepted < 100 {
					t.Errorf("%d kills and %d alerts accepted: too few to say anything", faults, o.accepted)
				}
				if long() && k.witness.most > slotsOfChannel+10 {
					t.Errorf("%d deliveries were on their way at one kill", k.witness.most)
				}
				c.faults(faults)
				c.count(o)
				c.starts(h)
				c.within("at rest", o.rest, 0)
			})
		})
	}
}

// killer kills a hub again and again while a load lasts.
type killer struct {
	hub      *hub
	receiver *receiver
	load     *load
	witness  *witness
	random   *rand.Rand
}

// run kills and starts n times, at most until the load is over, and returns how often.
func (k *killer) run(t *testing.T, n int) (kills int) {
	t.Helper()
	over := make(chan struct{})
	go func() { k.load.over.Wait(); close(over) }()
	least, most := pick(0, 2*time.Second), pick(time.Second, 5*time.Second)
	for kills < n {
		if !long() { // the hub may be slow, and shall have something to lose
			k.load.wait(t, 20)
		}
		select {
		case <-over:
			return kills
		case <-time.After(least + time.Duration(k.random.Int64N(int64(most-least)))):
		}
		select {
		case <-k.aim(kills):
		case <-over:
		case <-time.After(patience):
			t.Fatalf("nothing to aim kill %d at", kills)
		}
		if kills%4 == 2 { // what is on the wire stays there for a while
			time.Sleep(time.Duration(k.random.Int64N(int64(200 * time.Millisecond))))
		}
		k.hub.kill()
		k.receiver.forget()
		kills++
		k.witness.look(t)
		k.hub.start()
	}
	return kills
}

// aim returns a channel that tells when to kill.
func (k *killer) aim(n int) <-chan struct{} {
	switch n % 4 {
	case 1:
		return k.load.nextPromise()
	case 2:
		k.receiver.holdNext(1 + k.random.IntN(slotsOfChannel))
		return k.receiver.held
	case 3:
		return k.receiver.nextAnswer()
	default:
		now := make(chan struct{})
		close(now)
		return now
	}
}

// takenUpIn is the bar for the work of a process that was killed (I10).
const takenUpIn = 45 * time.Second

// TestTakenUpAgain kills a hub that has the product's lease and sweep: its work is taken up again in 45 s (I10).
func TestTakenUpAgain(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes 45 seconds")
	}
	slowly(t, func(t *testing.T, engine, url string) {
		c := row(t, "C2", engine, "kill -9, lease of the product (30 s)")
		h, r := newHub(t, url, map[string]string{"HUB_LEASE": ""}), newReceiver(t)
		h.start()
		h.tell(r)
		l := newLoad(h, rate())
		w := newWitness(h, l, r)
		r.holdNext(slotsOfChannel)
		l.start(pick(50, 150))
		r.waitHeld(t, pick(10, slotsOfChannel))
		if long() {
			l.over.Wait() // the channel's slots are full and the rest waits, held or due
		}
		h.kill()
		killed := time.Now()
		l.over.Wait()
		held := len(r.held)
		r.forget()
		w.look(t)
		h.start()
		a := &audit{hub: h, load: l, receiver: r, witness: w}
		o := a.check(t)
		took := a.idle.Sub(killed)
		c.within("all its work done", took, takenUpIn)
		if o.onWay < pick(1, slotsOfChannel) || o.repeats < held {
			t.Errorf("%d deliveries were on their way; %d of %d on the wire were taken up again", o.onWay, o.repeats, held)
		}
		c.faults(1)
		c.count(o)
		c.starts(h)
	})
}
