//go:build unix

package crashtest

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

// scene is a hub that has to tell of incidents without a push: because of the time, the end of a silence, or somebody who asks. It dies at
// each moment of that, and what had to be told must have been told once, whatever was lost.
//
// Time passes while the hub is dead: what its database remembers is moved back. So windows are as long as operators have them, nothing
// can fall due that should not, and no test waits for a lease.
type scene struct {
	t        *testing.T
	c        recorder
	hub      *hub
	receiver *receiver
	load     *load // no more than what was promised
	witness  *witness
	random   *rand.Rand
	channels map[string]string   // ids, by name
	want     map[string][]string // what was to be told, by alert, in order
	deaths   int
}

// atOnce is of how many incidents there is something to tell at the same moment.
func atOnce() int { return pick(3, 12) }

// death is how a hub dies in a scene: at one of the first hits of a point, or, without one, while so many messages are on the wire.
type death struct {
	point failpoint.Point
	hits  int
}

func (d death) String() string {
	if d.point == "" {
		return "on the wire"
	}
	return string(d.point)
}

// deaths are those of a hub that tells n incidents.
func deaths(n int) []death {
	list := []death{{failpoint.Deciding, n}, {failpoint.Decided, n}, {"", n}, {failpoint.AfterSend, n}, {failpoint.BeforeSend, n}}
	return list[:pick(4, 5)]
}

// claimed is the death of a hub that has claimed what is due and done nothing.
func claimed() []death {
	if !long() {
		return nil
	}
	return []death{{failpoint.Claimed, 1}}
}

// share is what an engine gets of a list in the short form: every other one, and the other engine the rest.
func (s *scene) share(list ...death) []death {
	if long() {
		return list
	}
	var out []death
	for n, d := range list {
		if (n%2 == 0) == (s.hub.settings["HUB_DATABASE_URL"] == "") {
			out = append(out, d)
		}
	}
	return out
}

// newScene starts a hub with a receiver; what says what the scene is about.
func newScene(t *testing.T, engine, url, what string) *scene {
	t.Helper()
	h, r := newHub(t, url, map[string]string{"HUB_LEASE": pick("", shortLease().String())}), newReceiver(t)
	l := newLoad(h, 1)
	s := &scene{
		t: t, c: row(t, "C2", engine, "kill -9: "+what), hub: h, receiver: r, load: l, witness: newWitness(h, l, r), random: rand.New(rand.NewPCG(1, 3)),
		channels: map[string]string{}, want: map[string][]string{},
	}
	h.await(h.spawn())
	return s
}

// channel makes a channel to the receiver, with more fields.
func (s *scene) channel(name string, more map[string]any) {
	s.t.Helper()
	fields := map[string]any{"name": name, "driver": "generic", "config": map[string]any{"endpoint": s.receiver.server.URL + "/" + name}}
	maps.Copy(fields, more)
	var made struct{ ID string }
	if err := json.Unmarshal(s.hub.must(http.StatusCreated, http.MethodPost, "/api/v1/channels", fields), &made); err != nil {
		s.t.Fatal(err)
	}
	s.channels[name] = made.ID
}

// pages has every alert told to these channels alone.
func (s *scene) pages(channels ...string) {
	s.t.Helper()
	raw, err := json.Marshal(map[string]any{"version": "1.0", "nodes": []any{
		map[string]any{"id": "in", "type": "ingest", "config": map[string]any{}, "next": "tell"},
		map[string]any{"id": "tell", "type": "notify", "config": map[string]any{"channels": channels}},
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.hub.only("page", string(raw))
}

// names are those of n new alerts.
func (s *scene) names(n int) []string {
	out := make([]string, 0, n)
	for range n {
		out = append(out, fmt.Sprintf("Alert%03d", s.load.sent.Add(1)))
	}
	return out
}

// push has alerts fire, or end, in one call. dying: the hub may be gone before it has answered, but not before it has stored them.
func (s *scene) push(status string, dying bool, names ...string) {
	s.t.Helper()
	var list []alert
	for _, n := range names {
		list = append(list, alert{name: n, status: status})
	}
	a, err := s.hub.do(http.MethodPost, "/alerts/webhook/", push(list...))
	if dying && err != nil {
		return
	}
	var body struct {
		Receipt string `json:"receipt_id"`
	}
	if err != nil || a.status/100 != 2 || json.Unmarshal(a.body, &body) != nil {
		s.t.Fatalf("push: %d %s %v", a.status, a.body, err)
	}
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	for _, n := range names {
		s.load.accepted = append(s.load.accepted, promise{alert: n, receipt: body.Receipt})
	}
}

// wants notes what alerts are to be told beside what they were.
func (s *scene) wants(what string, names ...string) {
	for _, n := range names {
		s.want[n] = append(s.want[n], what)
	}
}

// kill kills a hub that is at rest.
func (s *scene) kill() {
	s.t.Helper()
	s.hub.kill()
	s.look()
}

// look holds what a hub has left against what has come.
func (s *scene) look() {
	s.t.Helper()
	s.receiver.forget()
	if s.witness == nil {
		s.receiver.settle(s.t)
		return
	}
	s.witness.look(s.t)
}

// dies has the hub die once. It is dead before; act is what somebody does when it is there, nil: it has enough to do.
func (s *scene) dies(d death, act func()) {
	s.t.Helper()
	s.deaths++
	s.c.faults(1)
	if d.point == "" {
		s.receiver.holdNext(d.hits)
		s.hub.await(s.hub.spawn())
		if act != nil {
			act()
		}
		s.receiver.waitHeld(s.t, d.hits)
		s.hub.kill()
	} else {
		hit := 1 + s.random.IntN(d.hits)
		s.t.Logf("death at %s@%d", d.point, hit)
		started, address := s.hub.arm(d.point, hit)
		if act == nil {
			s.hub.dead(address)
		} else {
			s.hub.await(started, address)
			act()
			s.hub.died()
		}
	}
	s.look()
	s.diedThere(d)
}

// diedThere checks by what is left that the hub died where it should.
func (s *scene) diedThere(d death) {
	s.t.Helper()
	db := s.hub.openDead(s.t)
	defer func() { _ = db.Close() }()
	var open []notified
	if err := db.Read(s.t.Context()).Raw(`SELECT d.idem_key, d.state, d.attempts FROM` + toldElsewhere + `WHERE d.state IN ('pending', 'sending')`).
		Scan(&open).Error; err != nil {
		s.t.Fatal(err)
	}
	arrived := s.receiver.arrivals()
	like := func(is func(d notified, came tally) bool) bool {
		return slices.ContainsFunc(open, func(d notified) bool { return is(d, arrived[d.IdemKey]) })
	}
	ok := true
	switch d.point {
	case failpoint.Decided:
		ok = like(func(d notified, came tally) bool { return came.came == d.Attempts })
	case failpoint.BeforeSend:
		ok = like(func(d notified, _ tally) bool { return d.State == "sending" })
	case "":
		ok = like(func(_ notified, came tally) bool { return came.came > came.answered })
	case failpoint.AfterSend:
		ok = like(func(_ notified, came tally) bool { return came.came > 0 })
	default:
	}
	if !ok {
		s.t.Errorf("the hub should have died %s, and left %+v", d, open)
	}
}

// back starts the hub again. In the short form its leases have run out meanwhile; in the long one they do so now.
func (s *scene) back() {
	s.t.Helper()
	if !long() {
		s.later(time.Minute)
	}
	s.hub.await(s.hub.spawn())
}

// open opens the database for a moment: whoever looks at what a dead hub has left waits until nobody else does.
func (s *scene) open() (db *storage.DB, end func()) {
	s.t.Helper()
	db, err := storage.Open(s.t.Context(), storage.Config{URL: s.hub.database(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		s.t.Fatal(err)
	}
	return db, func() {
		if err := db.Close(); err != nil {
			s.t.Error(err)
		}
	}
}

// until waits for what the database of a hub that runs says.
func (s *scene) until(what string, is func(db *storage.DB) bool) {
	s.t.Helper()
	db, end := s.open()
	defer end()
	testkit.Eventually(s.t, patience, func() bool { return is(db) }, what)
}

// later lets time pass for a hub that is dead: all that it knows was so much longer ago.
func (s *scene) later(d time.Duration) {
	s.t.Helper()
	db, end := s.open()
	defer end()
	ago := fmt.Sprint(" - ", d.Microseconds())
	if db.Engine() == storage.Postgres {
		ago = fmt.Sprintf(" - interval '%d microseconds'", d.Microseconds())
	}
	for _, sql := range []string{
		"UPDATE jobs SET due_at = due_at" + ago,
		"UPDATE deliveries SET created_at = created_at" + ago + ", expires_at = expires_at" + ago + ", next_at = next_at" + ago +
			", sending_since = sending_since" + ago + ", finished_at = finished_at" + ago,
		"UPDATE throttle_slots SET used_at = used_at" + ago,
		"UPDATE throttle_holds SET held_at = held_at" + ago + ", look_at = look_at" + ago,
		"UPDATE silences SET starts_at = starts_at" + ago + ", ends_at = ends_at" + ago + ", created_at = created_at" + ago,
	} {
		if err := db.From(s.t.Context()).Exec(sql).Error; err != nil {
			s.t.Fatalf("%s: %v", sql, err)
		}
	}
}

// told is what the database says that each alert was told, in order: channel, kind, state, reason, and what it came instead of.
func (s *scene) told(db *storage.DB) map[string][]string {
	s.t.Helper()
	var rows []struct{ Alert, What string }
	if err := db.Read(s.t.Context()).Raw(`SELECT a.name AS alert, c.name || ' ' || d.kind || ' ' || d.state || CASE WHEN d.reason = '' THEN '' ELSE '(' || d.reason || ')' END AS what
		FROM deliveries d JOIN channels c ON c.id = d.channel_id AND c.driver <> 'inbox' JOIN alerts a ON a.incident_id = d.incident_id
		ORDER BY a.name, d.event_seq, c.name`).Scan(&rows).Error; err != nil {
		s.t.Fatal(err)
	}
	out := map[string][]string{}
	for _, r := range rows {
		out[r.Alert] = append(out[r.Alert], r.What)
	}
	return out
}

// busy counts what a hub still has to do: jobs that are held, or due in less than a minute, and all that waits for these.
func (s *scene) busy(db *storage.DB) int64 {
	s.t.Helper()
	return number(s.t, db, `SELECT (SELECT count(*) FROM jobs WHERE lease_token IS NOT NULL OR queue <> 'timers' OR due_at < ?) +
		(SELECT count(*) FROM deliveries WHERE state IN ('pending', 'sending')) + (SELECT count(*) FROM runs WHERE finished_at IS NULL)`,
		time.Now().Add(time.Minute))
}

// rests waits until the hub has nothing more to do, and compares what was told with what should have been.
func (s *scene) rests() {
	s.t.Helper()
	db, end := s.open()
	defer end()
	diff := ""
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if s.busy(db) == 0 {
			if diff = cmp.Diff(s.want, s.told(db)); diff == "" {
				break
			}
		}
		if time.Since(began) > patience {
			s.t.Fatalf("after %d deaths not at rest, or something else was told (-want +told):\n%s\n%s", s.deaths, diff, dump(s.t, db))
		}
	}
	for what, sql := range map[string]string{
		"events that had to be told and were not": `SELECT count(*) FROM incident_events e WHERE e.kind IN ('reminder', 'retold')
			AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.incident_id = e.incident_id AND d.event_seq = e.seq)`,
		"messages that nobody answered": `SELECT count(*) FROM deliveries d JOIN messages m ON m.id = d.message_id WHERE d.state = 'delivered' AND m.driver <> 'inbox'
			AND NOT EXISTS (SELECT 1 FROM message_attempts a WHERE a.message_id = m.id AND a.verdict = 'done')`,
	} {
		if n := number(s.t, db, sql); n != 0 {
			s.t.Errorf("%d %s", n, what)
		}
	}
	if n := number(s.t, db, `SELECT count(*) FROM holds`); n != int64(s.held()) {
		s.t.Errorf("silences hold %d alerts back, want %d", n, s.held())
	}
}

// held is how many alerts silences hold back: those whose last word never went out.
func (s *scene) held() (n int) {
	for _, list := range s.want {
		if list[len(list)-1] == heldBack {
			n++
		}
	}
	return n
}

// heldBack is what is wanted of an alert that a silence holds back.
const heldBack = "ops firing suppressed(silenced)"

// ends brings a scene to its end: nothing fires any more, everybody who was told hears of that, and no job is left, once window is over.
func (s *scene) ends(window time.Duration, names ...string) {
	s.t.Helper()
	s.push("resolved", false, names...)
	s.rests()
	if window > 0 {
		s.kill()
		s.later(window)
		s.hub.await(s.hub.spawn())
	}
	db := s.hub.open(s.t)
	testkit.Eventually(s.t, patience, func() bool { return number(s.t, db, `SELECT count(*) FROM jobs`) == 0 }, "jobs are left over")
	s.rests()
	var books ledger
	testkit.Eventually(s.t, patience, func() bool { return s.hub.get("/api/v1/ledger", &books) == nil && books.Balanced }, "the books do not balance")
	sum := int64(0)
	for _, n := range books.Counts {
		sum += n
	}
	if n := number(s.t, db, `SELECT count(*) FROM observations`); n != sum || books.Counts["pending"] != 0 {
		s.t.Errorf("%d observations are stored, the books have %+v", n, books.Counts)
	}
	intact(s.t, db)
	o := outcome{accepted: len(s.load.promises()), counts: books.Counts, onWay: s.witness.onWay}
	o.repeats = (&audit{hub: s.hub, load: s.load, receiver: s.receiver, witness: s.witness}).explain(s.t, db)
	o.unexplained = len(s.witness.odd)
	s.c.count(o)
}
