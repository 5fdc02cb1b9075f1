//go:build unix

package crashtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// TestSameKeys posts each of 50 alerts 32 times at once, on Postgres through two servers: each becomes one incident and one message, and is
// counted 32 times.
func TestSameKeys(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	const senders, names = 32, 50
	engines(t, func(t *testing.T, engine, url string) {
		c := row(t, "C16", engine, "50 keys, 32 simultaneous posts each")
		hubs, r := serversOn(t, url, nil), newReceiver(t)
		startAll(hubs)
		hubs[0].tell(r)
		var over sync.WaitGroup
		began := time.Now()
		for s := range senders {
			over.Go(func() {
				for n := range names { // each sender begins elsewhere
					hubs[s%len(hubs)].deliver(push(alert{name: fmt.Sprintf("Same%02d", (n+s)%names)}))
				}
			})
		}
		over.Wait()
		took := time.Since(began)
		db := hubs[0].open(t)
		l, rest := settle(t, hubs[0], db, time.Now())
		for what, q := range map[string]string{
			"alerts":                      `SELECT count(*) - 50 FROM alerts`,
			"alerts not counted 32 times": `SELECT count(*) FROM alerts WHERE occurrences <> 32`,
			"incidents":                   `SELECT count(*) - 50 FROM incidents`,
			"deliveries":                  `SELECT count(*) - 50 FROM` + toldElsewhere,
		} {
			if n := number(t, db, q); n != 0 {
				t.Errorf("%d %s too many", n, what)
			}
		}
		for key, n := range r.arrivals() {
			if n.came != 1 {
				t.Errorf("%s came %d times", key, n.came)
			}
		}
		if n := len(r.arrivals()); n != names || l.Counts["delivered"] != names || l.Counts["suppressed"] != (senders-1)*names {
			t.Errorf("%d messages, ledger %+v", n, l.Counts)
		}
		c.faults(senders * names)
		c.count(found(l, senders*names))
		c.within("at rest", rest, 0)
		c.say("%d posts/s", int(senders*names/took.Seconds()))
	})
}

// TestFlips has 8 connections fire and resolve one alert a hundred times while others load the hub: the last word counts, and the receiver
// hears everything in order.
func TestFlips(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: takes seconds")
	}
	const connections, flips, name = 8, 100, "Flip"
	engines(t, func(t *testing.T, engine, url string) {
		c := row(t, "C17", engine, "100 flips of one key")
		hubs, r := serversOn(t, url, nil), newReceiver(t)
		startAll(hubs)
		hubs[0].tell(r)
		r.answerAfter(10 * time.Millisecond)
		others := newLoad(hubs[0], rate())
		others.start(0)
		var over sync.WaitGroup
		for n := range connections {
			over.Go(func() {
				for i := n; i < flips; i += connections {
					a := alert{name: name}
					if i%2 == 1 {
						a.status = "resolved"
					}
					hubs[n%len(hubs)].deliver(push(a))
					time.Sleep(20 * time.Millisecond) // so that some are told before the next
				}
			})
		}
		over.Wait()
		others.end()
		db := hubs[0].open(t)
		l, rest := settle(t, hubs[0], db, time.Now())
		lastWord(t, db)
		told := inOrder(t, db, r, name)
		accepted := flips + len(others.promises())
		o := found(l, accepted)
		if o.lost != 0 || l.Counts["dead"] != 0 {
			t.Errorf("%d accepted, ledger %+v", accepted, l.Counts)
		}
		c.faults(flips)
		c.count(o)
		c.within("at rest", rest, 0)
		c.say("%d of %d flips told", told, flips)
	})
}

// inOrder checks that the messages about an alert came in the order of their incidents' events, that each end answers a beginning, and that
// the last of them says what the alert is like now. It returns how many came.
func inOrder(t *testing.T, db *storage.DB, r *receiver, name string) int {
	t.Helper()
	var rows []struct {
		IdemKey, Incident, Kind, Status string
		Seq                             int
	}
	if err := db.Read(t.Context()).Raw(`SELECT d.idem_key, d.event_seq AS seq, d.kind, a.status FROM deliveries d
		JOIN alerts a ON a.fingerprint = ? JOIN incidents i ON i.id = d.incident_id AND i.group_key = a.group_key`, name).Scan(&rows).Error; err != nil {
		t.Fatal(err)
	}
	trails := r.came()
	type message struct {
		incident, kind string
		seq            int
		at             time.Time
	}
	var came []message
	status := ""
	for _, d := range rows {
		status = d.Status
		for _, v := range trails[d.IdemKey] {
			incident, _, _ := strings.Cut(d.IdemKey, ":")
			came = append(came, message{incident, d.Kind, d.Seq, v.at})
		}
		if n := len(trails[d.IdemKey]); n > 1 {
			t.Errorf("%s came %d times", d.IdemKey, n)
		}
	}
	slices.SortFunc(came, func(a, b message) int { return a.at.Compare(b.at) })
	on, last := map[string]bool{}, map[string]int{}
	for _, m := range came {
		if m.seq <= last[m.incident] {
			t.Errorf("event %d of incident %s was told after event %d", m.seq, m.incident, last[m.incident])
		}
		last[m.incident] = m.seq
		if m.kind == "resolved" && !on[m.incident] {
			t.Errorf("event %d of incident %s ends what was not told, or is over", m.seq, m.incident)
		}
		on[m.incident] = m.kind != "resolved"
	}
	maps.DeleteFunc(on, func(_ string, on bool) bool { return !on })
	if firing := status == "firing"; len(came) == 0 || len(on) > 1 || firing != (len(on) == 1) {
		t.Errorf("%s is %s; the receiver got %d messages and believes that %d incidents are open", name, status, len(came), len(on))
	}
	return len(came)
}
