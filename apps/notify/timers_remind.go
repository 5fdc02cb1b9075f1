package notify

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// newsOnTheWay is how soon a reminder is looked at again that would come beside news for the same channel.
const newsOnTheWay = 10 * time.Second

// silenceLook is how often a reminder that is silenced asks whether it still is.
const silenceLook = time.Minute

// remind tells a channel again of an incident that is open, that nobody has taken care of, and that still fires, when the channel's window
// since it last heard of it is over. The job stays until there is nothing to remind of: a reminder that does not arrive is not the last.
func (w *Timers) remind(tx *storage.Tx, it *timed) error {
	j := it.job
	ch, err := id.Parse(j.Node)
	if err != nil || j.Rescues > maxRescues {
		it.done(tx)
		return nil //nolint:nilerr // there is no such channel
	}
	var every int64
	rows := reminded.Rows()
	rows.Add(ch, j.Tenant)
	tx.Query(reminded, rows, func(r storage.Row) error { return r.Scan(&every) })
	about, err := w.incidents.Look(tx, j.Tenant, j.Ref, 0)
	if errors.Is(err, storage.ErrNotFound) {
		it.done(tx)
		return nil
	}
	if err != nil {
		return err
	}
	b := it.tell.told
	b.WantIncidents([]id.ID{j.Ref}, nil)
	var last time.Time
	rows = lastTold.Rows()
	rows.Add(j.Ref, ch)
	tx.Query(lastTold, rows, func(r storage.Row) error { return r.Scan(&last) })
	held, err := it.fence(tx)
	if err != nil || !held {
		return err
	}
	window := seconds(every)
	if window <= 0 || about.Incident.Status != event.IncidentOpen || !slices.ContainsFunc(about.Alerts, firing) || last.IsZero() {
		it.done(tx)
		return nil
	}
	left, live := last.Add(window).Sub(tx.Now()), w.planner.channels.ByID(ch)
	tell := &event.Tell{
		Tenant: j.Tenant, TraceID: trace.New(), Incident: about.Incident, Event: event.EventReminder, Alerts: about.told(), Cause: causeReminder,
	}
	d := &planned{live: live, tell: tell, kind: channel.KindReminder}
	if left <= 0 && live != nil {
		if err := w.pastSilences(tx, b, d, nil); err != nil {
			return err
		}
	}
	switch {
	case left > 0:
		it.later(tx, left)
	case live == nil: // another process has made it active, and this one has not heard
		it.later(tx, unheard)
	case slices.ContainsFunc(b.live[j.Ref], func(o *planned) bool { return o.channel == ch && o.unfinished() }):
		it.later(tx, min(newsOnTheWay, window))
	case b.silenced(d).Reason != "":
		it.later(tx, min(silenceLook, window)) // it comes when the silence is over
	default:
		room, err := b.busyUntil(live)
		if err != nil || !room.IsZero() {
			it.later(tx, max(room.Sub(tx.Now()), newsOnTheWay))
			return err
		}
		it.later(tx, window)
		return w.reminder(tx, it, live, tell)
	}
	return nil
}

// reminder gives the incident its event and tells it, with what is known of it by now.
func (w *Timers) reminder(tx *storage.Tx, it *timed, live *Live, tell *event.Tell) error {
	acted, err := w.incidents.Act(tx, event.Act{
		Tenant: tell.Tenant, Incident: tell.Incident.ID, Kind: event.EventReminder, Text: live.Name, TraceID: tell.TraceID,
	})
	if err != nil {
		return fmt.Errorf("remind of incident %s: %w", tell.Incident.ID, err)
	}
	if tell.Outputs, err = w.incidents.Known(tx, tell.Tenant, tell.Incident.ID); err != nil {
		return fmt.Errorf("remind of incident %s: %w", tell.Incident.ID, err)
	}
	tell.Incident, tell.Seq, tell.Channels, tell.Source = acted.Incident, acted.Seq, []string{live.Name}, sourceName(tell.Alerts)
	_, err = it.tell.told.Tell(tell)
	return err
}

func firing(a *event.Alert) bool { return a.Status == event.StatusFiring }

func sourceName(alerts []*event.Alert) string {
	if len(alerts) == 0 {
		return ""
	}
	return alerts[0].Source
}

// told are the alerts as a message names them: those that fire, the most severe first.
func (s *Subject) told() []*event.Alert {
	list := slices.Clone(s.Alerts)
	slices.SortFunc(list, func(x, y *event.Alert) int {
		if firing(x) != firing(y) {
			if firing(x) {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(y.Severity.Rank(), x.Severity.Rank()), cmp.Compare(x.Name, y.Name), cmp.Compare(x.Fingerprint, y.Fingerprint))
	})
	return list
}

// pages of a changed window.
const (
	windowSize = 500
	// windowDelay is how long the change of a window waits: until then other processes go by the old one.
	windowDelay = 3 * time.Second
)

// window brings the reminders of a channel in step with what it wants now, page by page: those there are get another time, and incidents
// that it has heard of without one get theirs.
func (w *Timers) window(tx *storage.Tx, it *timed) error {
	j := it.job
	after, err := id.Parse(j.Node)
	if err != nil {
		after = id.ID{}
	}
	var every int64
	rows := reminded.Rows()
	rows.Add(j.Ref, j.Tenant)
	tx.Query(reminded, rows, func(r storage.Row) error { return r.Scan(&every) })
	held, err := it.fence(tx)
	if err != nil || !held {
		return err
	}
	it.done(tx)
	if every <= 0 || j.Rescues > maxRescues {
		return nil
	}
	n, last := 0, id.ID{}
	rows = windowPage.Rows()
	rows.Add(j.Tenant, j.Ref, after, windowSize)
	tx.Query(windowPage, rows, func(r storage.Row) error {
		var incident id.ID
		var at time.Time
		if err := r.Scan(&incident, &at); err != nil {
			return fmt.Errorf("read an incident: %w", err)
		}
		if n++; bytes.Compare(incident[:], last[:]) > 0 {
			last = incident
		}
		if !at.IsZero() {
			due := max(at.Add(seconds(every)).Sub(tx.Now()), 0)
			it.tell.jobs.Wake(queue.Key{Kind: JobRemind, Ref: incident, Node: j.Ref.String()}, due)
			it.tell.told.await(wait{incident, j.Ref, j.Tenant, due})
		}
		return nil
	})
	if err := tx.Flush(); err != nil {
		return err
	}
	if n == windowSize {
		it.tell.jobs.Insert(tx, queue.New{Kind: jobWindow, Ref: j.Ref, Node: last.String(), Tenant: j.Tenant, Queue: QueueTimers})
	}
	return nil
}
