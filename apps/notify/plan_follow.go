package notify

import (
	"bytes"
	"maps"
	"slices"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Causes of deliveries that go by state.
const (
	causeAcknowledged = "acknowledged"
	causeAnalysis     = "analysis"
	causeReopened     = "reopened"
)

// Acknowledge tells that somebody takes care of an incident to those who were told that it is on and want to know. Routes, severities and
// silences do not apply, as with ends. t names the incident, which must have been looked up as an ending one, and its event. It returns
// how many are told.
func (b *Batch) Acknowledge(t *event.Tell) int {
	t.Cause = causeAcknowledged
	return b.follow(t, channel.KindAcknowledged, word.isOn, func(f channel.Follows) bool { return f.Acknowledged }, nil)
}

// Reopen tells that somebody has opened an incident again to channels that have heard of its end and show how it stands: nobody is woken,
// but no message says that it is over while it is not. t is as for Acknowledge. It returns how many are told.
func (b *Batch) Reopen(t *event.Tell) int {
	t.Cause = causeReopened
	return b.follow(t, channel.KindUpdated, word.isOver, func(f channel.Follows) bool { return f.Reopened }, nil)
}

// Analysis sends an analysis after the message that went out without it, to channels that can change what they have shown: nobody else hears
// of it, and nobody is woken. t names the incident, which must have been looked up as an ending one, the event, and the run that asked
// for the analysis, with its deliveries looked up: then only what this run has told is brought up to date. It returns how many are told.
func (b *Batch) Analysis(t *event.Tell) int {
	t.Cause = causeAnalysis
	var only map[id.ID]bool
	if !t.RunID.IsZero() {
		only = map[id.ID]bool{}
		for _, n := range b.byRun[t.RunID] {
			only[n.d.channel] = true
		}
	}
	return b.follow(t, channel.KindUpdated, word.isOn, func(f channel.Follows) bool { return f.Analysis }, only)
}

// Follows reports whether an active channel of the tenant wants to hear of analyses.
func (p *Planner) Follows(tenant string) bool {
	return slices.ContainsFunc(p.channels.Active(tenant), func(l *Live) bool { return l.follows().Analysis })
}

func (l *Live) follows() channel.Follows {
	if f, ok := l.Channel.(channel.Follower); ok && l.Pretend == nil {
		return f.Follows()
	}
	return channel.Follows{}
}

// follow tells the channels of an incident that want it and whose last word is the one that it follows.
func (b *Batch) follow(t *event.Tell, kind channel.Kind, after func(word) bool, wants func(channel.Follows) bool, only map[id.ID]bool) int {
	last := b.lastWords(t, true)
	n := 0
	var r *rendering
	for _, c := range slices.SortedFunc(maps.Keys(last), func(x, y id.ID) int { return bytes.Compare(x[:], y[:]) }) {
		l := b.p.channels.ByID(c)
		if !after(last[c]) || l == nil || !wants(l.follows()) || only != nil && !only[c] {
			continue
		}
		key := idemKey(t, c)
		if b.keys[key] != nil {
			continue
		}
		d := &planned{
			id: id.New(), channel: c, live: l, tell: t, key: key, kind: kind, seq: t.Seq, state: event.StatePending, byState: true,
		}
		b.keys[key] = d
		b.fresh = append(b.fresh, d)
		r = b.plan(d, r)
		n++
	}
	return n
}

// lastWords are the last that the channels of an incident have heard before an event, or may have. With waiting, what was never tried counts
// too: it will be told first.
func (b *Batch) lastWords(t *event.Tell, waiting bool) map[id.ID]word {
	last := maps.Clone(b.ending[t.Incident.ID])
	if last == nil {
		last = map[id.ID]word{}
	}
	for _, d := range b.live[t.Incident.ID] {
		w := last[d.channel]
		switch {
		case d.kind == channel.KindResolved:
			if d.seq < t.Seq && (d.unfinished() || d.state == event.StateDelivered) {
				w.over = max(w.over, d.seq)
			}
		case d.mayHaveArrived(), waiting && d.unfinished():
			w.on = max(w.on, d.seq)
		}
		last[d.channel] = w
	}
	return last
}
