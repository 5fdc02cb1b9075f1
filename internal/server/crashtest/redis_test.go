//go:build unix

package crashtest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Bars for a hub whose Redis fails.
const (
	acceptIn  = time.Second      // p99 of answers
	toldIn    = 30 * time.Second // p99 of alerts to the receiver, while rings are lost all the time
	drainedIn = 60 * time.Second // after its return: what was accepted before
	resumedIn = 30 * time.Second // after its return: the first message for an alert that came later
)

// newDistant prepares a fleet whose servers take in, fold, and send nothing: workers must hear of each message.
func newDistant(t *testing.T) *fleet {
	t.Helper()
	f := newFleet(t)
	for _, h := range f.servers {
		h.settings[queuesVariable] = "ingest"
	}
	return f
}

// share says what part of all notifications workers sent, as far as that is known.
func (f *fleet) share() string {
	workers, all := 0, 0
	for _, list := range f.receiver.came() {
		for _, v := range list {
			if name, ok := f.names[v.process]; ok {
				all++
				if strings.HasPrefix(name, "worker") {
					workers++
				}
			}
		}
	}
	if all == 0 {
		return ""
	}
	return fmt.Sprintf("workers sent %d %%", 100*workers/all)
}

// undisturbed checks that servers answered everything, with 2xx, and returns what they promised.
func undisturbed(t *testing.T, loads ...*load) (all []promise) {
	t.Helper()
	for n, l := range loads {
		refused, _ := l.since()
		l.mu.Lock()
		silent, why := l.silent, l.why
		l.mu.Unlock()
		if len(refused) != 0 || silent != 0 {
			t.Errorf("server %d answered otherwise than with 2xx: %v, and not at all %d times, last because of: %v", n+1, refused, silent, why)
		}
		all = append(all, l.promises()...)
	}
	return all
}

// taken returns when the receiver took each alert first.
func (r *receiver) taken() map[string]time.Time {
	keys, trails := r.keys(), r.came()
	out := make(map[string]time.Time, len(keys))
	for alert, list := range keys {
		for _, key := range list {
			n := slices.IndexFunc(trails[key], func(v visit) bool { return !v.refused })
			if n >= 0 && (out[alert].IsZero() || trails[key][n].at.Before(out[alert])) {
				out[alert] = trails[key][n].at
			}
		}
	}
	return out
}

// trouble is something that happens to Redis.
type trouble struct {
	id, fault string
	away      func(f *fleet, p *proxy) // begins it; returns while it lasts, or when it is over
	back      func(f *fleet, p *proxy) // ends it
	lasts     time.Duration
	faults    int
	told      time.Duration // bar for the p99 to the receiver meanwhile; 0: none

	c               recorder
	from, to, ended time.Time // to: the end, as it was asked for; ended: as it came
}

func troubles(t *testing.T) (list []*trouble) {
	t.Helper()
	become := func(w weather) func(*fleet, *proxy) { return func(_ *fleet, p *proxy) { p.set(w) } }
	nothing := func(*fleet, *proxy) {}
	flushes, kills := pick(2, 20), pick(1, 20)
	list = append(list, &trouble{
		id: "C3", fault: "FLUSHALL every 3 s", faults: flushes, told: toldIn, back: nothing,
		away: func(f *fleet, _ *proxy) {
			o, err := redis.ParseURL(f.redis.URL())
			f.must(err)
			client := redis.NewClient(o)
			for range flushes {
				time.Sleep(3 * time.Second)
				f.must(client.FlushAll(t.Context()).Err())
			}
			f.must(client.Close())
		},
	}, &trouble{
		id: "C4", fault: "Redis killed, restarted empty", faults: kills, told: toldIn, back: nothing,
		away: func(f *fleet, _ *proxy) {
			for range kills {
				f.must(f.redis.Kill())
				time.Sleep(time.Second)
				f.must(f.redis.Start())
				time.Sleep(2 * time.Second)
			}
		},
	}, &trouble{
		id: "C5", fault: "Redis away", faults: 1, lasts: pick(12*time.Second, time.Minute),
		away: func(f *fleet, _ *proxy) { f.must(f.redis.Kill()) },
		back: func(f *fleet, _ *proxy) { f.must(f.redis.Start()) },
	})
	for _, k := range []struct {
		name string
		is   weather
	}{
		{"half open", weather{silent: true}},
		{"resets", weather{reset: true}},
		{"2 s slower", weather{delay: 2 * time.Second}},
		{"0.4 s slower", weather{delay: 400 * time.Millisecond}},
	} {
		list = append(list, &trouble{
			id: "C6", fault: "Redis " + k.name, faults: 1, lasts: pick(3*time.Second, time.Minute), away: become(k.is), back: become(weather{}),
		})
	}
	return list
}

// TestRedis takes Redis away in all ways while alerts come, each for itself; the short form has them one after the other.
func TestRedis(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: needs Postgres and Redis")
	}
	if !long() {
		list := troubles(t)
		for _, b := range list {
			b.c = row(t, b.id, scaled, b.fault)
		}
		suffer(t, list)
		return
	}
	for _, b := range troubles(t) {
		t.Run(strings.ReplaceAll(b.id+" "+b.fault, " ", "_"), func(t *testing.T) {
			t.Parallel()
			b.c = row(t, b.id, scaled, b.fault)
			suffer(t, []*trouble{b})
		})
	}
}

// suffer has troubles happen to one fleet, whose servers must not mind.
func suffer(t *testing.T, list []*trouble) {
	t.Helper()
	f := newDistant(t)
	u, err := url.Parse(f.redis.URL())
	f.must(err)
	p := newProxy(t, u.Host)
	u.Host = p.address()
	for _, h := range f.all() {
		h.settings["HUB_REDIS_URL"], h.settings["HUB_LEASE"] = u.String(), "" // nobody is killed
	}
	f.start(f.servers[0])
	f.servers[0].tell(f.receiver)
	f.start(f.all()[1:]...) // now: whoever runs follows a change of the configuration a moment later
	f.receiver.answerAfter(20 * time.Millisecond)
	loads := f.loads(pick(10, 50))
	for _, b := range list {
		f.calm(loads[:])
		b.from = time.Now()
		b.away(f, p)
		time.Sleep(b.lasts - time.Since(b.from))
		f.calm(loads[:])
		b.to = time.Now()
		b.back(f, p)
		b.ended = time.Now()
		time.Sleep(pick(time.Second, 10*time.Second))
	}
	f.calm(loads[:])
	for _, l := range loads {
		l.end()
	}
	o := f.check(t, loads[:]...)
	all := undisturbed(t, loads[:]...)
	when := f.receiver.taken()
	for n, b := range list {
		until := time.Now()
		if n+1 < len(list) {
			until = list[n+1].from
		}
		b.judge(all, when, until, o, len(list) == 1)
		b.c.say("%s", f.share())
	}
}

// judge notes what a trouble did to the alerts that came meanwhile, and until the next one.
func (b *trouble) judge(all []promise, when map[string]time.Time, until time.Time, o outcome, alone bool) {
	var answered, told latencies
	part := outcome{lost: o.lost, repeats: o.repeats, unexplained: o.unexplained, counts: map[string]int64{}}
	drained, resumed := time.Duration(0), time.Duration(-1)
	for _, p := range all {
		at, ok := when[p.alert]
		if p.at.Before(b.from) || !p.at.Before(until) || !ok {
			continue
		}
		part.accepted++
		part.counts["delivered"]++
		if p.at.Before(b.to) {
			answered, told = append(answered, p.took), append(told, at.Sub(p.at))
			drained = max(drained, at.Sub(b.ended))
		} else if after := at.Sub(b.ended); resumed < 0 || after < resumed {
			resumed = after
		}
	}
	slices.Sort(answered)
	slices.Sort(told)
	if alone {
		part = o
	}
	b.c.faults(b.faults)
	b.c.count(part)
	b.c.within("p99 of accept", answered.at(0.99), acceptIn)
	b.c.within("median to the receiver", told.at(0.5), 0)
	b.c.within("p99 to the receiver", told.at(0.99), b.told)
	b.c.within("drained after it", drained, drainedIn)
	b.c.within("resumed after it", max(0, resumed), resumedIn)
	if len(answered) == 0 || resumed < 0 {
		b.c.t.Errorf("%s: %d alerts were accepted meanwhile, the first one after it was told after %s", b.fault, len(answered), resumed)
	}
}
