//go:build unix

package crashtest

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// mostMemory is the bar for a hub's resident memory, whatever is sent to it.
const mostMemory = 512 << 20

// TestFlood offers ten times the alerts that the hub can take in, in large bodies: what does not fit is refused with 503 before it is
// stored, what was answered with 2xx is kept, memory stays bounded, and a little later all is as before.
func TestFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	alone(t, slowly, func(t *testing.T, engine, url string) {
		c := row(t, "C21", engine, "ten times the sustained rate")
		// In the short form a hub that holds less is flooded sooner.
		h, r := newHub(t, url, pick(map[string]string{"HUB_MAX_BODY": "256KiB", "HUB_MAX_INFLIGHT_BYTES": "512KiB"}, nil)), newReceiver(t)
		h.start()
		h.tell(r)
		f := &flood{hub: h, client: &http.Client{Timeout: patience, Transport: &http.Transport{MaxIdleConnsPerHost: 512}}, size: pick(100, 1000)}
		t.Cleanup(f.client.CloseIdleConnections)
		for n := range 4 {
			var list []alert
			for i := range f.size {
				list = append(list, alert{name: fmt.Sprintf("Flood%d-%04d", n, i)})
			}
			f.bodies = append(f.bodies, push(list...))
		}
		sustained := f.sustained(pick(time.Second, 5*time.Second))
		took := pick(5*time.Second, 60*time.Second)
		offered := f.offer(10*sustained, took)
		// What was sustained beside others is little for a machine that has lost them: in the short form more is offered until it is a flood.
		for more, began := 20*sustained, time.Now(); !long() && f.refused.Load() == 0 && time.Since(began) < patience; more *= 2 {
			offered = f.offer(more, took)
		}
		over := time.Now()
		f.calm(t)
		c.within("normal again", time.Since(over), time.Minute)
		if f.refused.Load() == 0 {
			t.Error("nothing was refused: that was no flood")
		}
		db := h.open(t)
		l, rest := settle(t, h, db, over)
		if n := number(t, db, `SELECT count(*) FROM alerts WHERE incident_id IS NULL`); n != 0 {
			t.Errorf("%d alerts without incident", n)
		}
		o := found(l, int(f.accepted.Load()))
		if o.lost != 0 || l.Counts["dead"]+l.Counts["rejected"]+l.Counts["no_route"] != 0 {
			t.Errorf("%d alerts were accepted, the ledger has %+v", o.accepted, l.Counts)
		}
		c.faults(1)
		c.count(o)
		c.within("at rest", rest, 0)
		c.say("sustained %d alerts/s, offered %d/s for %s, %d posts taken, %d refused", sustained, offered, took, f.taken.Load(), f.refused.Load())
		if peak := peakMemory(h); peak > 0 {
			c.say("at most %d MiB", peak>>20)
			if long() && peak > mostMemory {
				t.Errorf("it took %d MiB of memory", peak>>20)
			}
		}
	})
}

// flood sends bodies of many alerts.
type flood struct {
	hub    *hub
	client *http.Client
	size   int // alerts in a body
	bodies [][]byte

	accepted, taken, refused atomic.Int64
}

// send posts one body, once.
func (f *flood) send(n int) (status int) {
	base, err := f.hub.url()
	if err != nil {
		f.hub.t.Error(err)
		return 0
	}
	req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, base+"/alerts/webhook/", bytes.NewReader(f.bodies[n%len(f.bodies)]))
	if err != nil {
		f.hub.t.Error(err)
		return 0
	}
	req.Header.Set("Authorization", "Bearer "+adminKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := f.client.Do(req)
	if err != nil {
		f.hub.t.Errorf("a post got no answer: %v", err)
		return 0
	}
	_ = res.Body.Close()
	switch {
	case res.StatusCode/100 == 2:
		f.taken.Add(1)
		f.accepted.Add(int64(f.size))
	case res.StatusCode == http.StatusServiceUnavailable && res.Header.Get("Retry-After") != "":
		f.refused.Add(1)
	default:
		f.hub.t.Errorf("a post was answered with %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
	}
	return res.StatusCode
}

// sustained measures how many alerts a second the hub takes in from four senders that wait for their answers.
func (f *flood) sustained(took time.Duration) int {
	before, began := f.accepted.Load(), time.Now()
	var over sync.WaitGroup
	for n := range 4 {
		over.Go(func() {
			for time.Since(began) < took {
				f.send(n)
			}
		})
	}
	over.Wait()
	return max(f.size, int(float64(f.accepted.Load()-before)/time.Since(began).Seconds()))
}

// offer sends so many alerts a second whether they are answered or not, as far as 400 senders can, and returns how many it sent.
func (f *flood) offer(rate int, took time.Duration) int {
	tick := time.NewTicker(time.Duration(f.size) * time.Second / time.Duration(rate))
	defer tick.Stop()
	slots := make(chan struct{}, 400)
	var over sync.WaitGroup
	began, sent := time.Now(), 0
	for ; time.Since(began) < took; sent++ {
		<-tick.C
		slots <- struct{}{}
		n := sent
		over.Go(func() {
			f.send(n)
			<-slots
		})
	}
	lasted := time.Since(began)
	over.Wait()
	return int(float64(sent*f.size) / lasted.Seconds())
}

// calm waits until 20 alerts in a row are taken in at once.
func (f *flood) calm(t *testing.T) {
	t.Helper()
	for good, began := 0, time.Now(); good < 20; {
		if time.Since(began) > patience {
			t.Fatal("the hub does not come to itself")
		}
		at := time.Now()
		a, err := f.hub.do(http.MethodPost, "/alerts/webhook/", push(alert{name: "Calm"}))
		switch {
		case err != nil:
			t.Fatal(err)
		case a.status/100 != 2:
			good = 0
		default:
			f.accepted.Add(1)
			if good++; time.Since(at) > pick(2*time.Second, 500*time.Millisecond) {
				good = 0
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// peakMemory is the most resident memory that a hub's process ever had; 0 where nobody says so.
func peakMemory(h *hub) int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(raw), "VmHWM:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, err := strconv.Atoi(fields[0])
	if err != nil {
		return 0
	}
	return kib << 10
}
