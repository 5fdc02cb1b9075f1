package cli

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
)

// wireDelivery is what the commands show of the API's delivery.
type wireDelivery struct {
	ID         string      `json:"id"`
	Incident   string      `json:"incident_title"`
	Title      string      `json:"title"`
	Detail     string      `json:"detail"`
	Cause      string      `json:"cause"`
	Channel    string      `json:"channel"`
	Deleted    bool        `json:"channel_deleted"`
	Driver     string      `json:"driver"`
	Waits      string      `json:"waits"`
	Kind       string      `json:"kind"`
	State      string      `json:"state"`
	Reason     string      `json:"reason"`
	Remark     string      `json:"remark"`
	Partly     string      `json:"partly"`
	Parts      int         `json:"parts"`
	Sent       int         `json:"sent"`
	InsteadID  string      `json:"instead_id"`
	Tries      int64       `json:"attempt_count"`
	CreatedAt  *time.Time  `json:"created_at"`
	NextAt     *time.Time  `json:"next_at"`
	FinishedAt *time.Time  `json:"finished_at"`
	Instead    []wireOther `json:"instead"`
	StandsIn   []wireOther `json:"stands_in"`
	Attempts   []struct {
		N         int        `json:"n"`
		At        *time.Time `json:"at"`
		LatencyMS float64    `json:"latency_ms"`
		Verdict   string     `json:"verdict"`
		Error     string     `json:"error"`
		Response  string     `json:"response"`
		Status    int        `json:"status"`
	} `json:"attempts"`
}

// wireOther is a delivery that stands in for another one.
type wireOther struct {
	ID      string `json:"id"`
	Channel string `json:"channel"`
	State   string `json:"state"`
	Reason  string `json:"reason"`
}

// about is what there is to know of a delivery beside its state, a sentence each.
func (d *wireDelivery) about() []string {
	var out []string
	say := func(head, text string) {
		if text != "" {
			out = append(out, head+": "+clean(text))
		}
	}
	why := strings.ReplaceAll(d.Reason, "_", " ")
	if d.Reason == event.ReasonChannelOff {
		why = "the channel sends nothing"
	}
	if d.Detail != "" && why != "" {
		why += ": "
	}
	say("Why", why+d.Detail)
	say("Not for all", d.Partly)
	say("Remark", d.Remark)
	if d.Parts > 1 {
		say("Parts", strconv.Itoa(d.Sent)+" of "+strconv.Itoa(d.Parts)+" have arrived")
	}
	say("Made by", d.Cause)
	late := d.State == "suppressed"
	for _, o := range d.Instead {
		say(map[bool]string{true: "Told later", false: "Told instead"}[late], o.words())
	}
	for _, o := range d.StandsIn {
		say("In the place of", o.words())
	}
	return out
}

// words say which channel it was, what came of it, and the id.
func (o wireOther) words() string {
	state := o.State
	if o.Reason != "" {
		state += ", " + strings.ReplaceAll(o.Reason, "_", " ")
	}
	return firstOf(o.Channel, "(deleted)") + " (" + state + "), delivery " + o.ID
}

// mark is the state, with what a glance should not miss.
func (d *wireDelivery) mark() string {
	if d.State == "delivered" && d.Partly != "" {
		return "partly delivered"
	}
	return d.State
}

// elsewhere adds to a reason that another delivery told it.
func (d *wireDelivery) elsewhere(why string) string {
	switch {
	case d.InsteadID == "":
		return why
	case d.State == "suppressed":
		return why + "; told later"
	default:
		return strings.TrimPrefix(why+"; passed on to another channel", "; ")
	}
}

var toldHead = []string{"ID", "CHANNEL", "WHAT", "STATE", "TRIES", "WHEN", "WHY"}

// channel names the channel, also one that is deleted, and what was sent without one.
func (d wireDelivery) channel() string {
	switch {
	case d.Deleted:
		return d.Channel + " (deleted)"
	case d.Channel == "" && d.Cause == "sent":
		return "by hand: " + d.Driver
	default:
		return cmp.Or(d.Channel, "(deleted)")
	}
}

// toldRows are deliveries as rows: when they ended or go on, and of those that did not arrive why.
func toldRows(list []wireDelivery) [][]string {
	rows := make([][]string, len(list))
	for i, d := range list {
		when := at(d.CreatedAt)
		switch {
		case d.FinishedAt != nil:
			when = at(d.FinishedAt)
		case d.NextAt != nil && d.Tries > 0:
			when = "next " + at(d.NextAt)
		}
		why := firstOf(strings.ReplaceAll(d.Reason, "_", " "), d.Partly)
		if n := len(d.Attempts); n > 0 && d.State != "delivered" {
			why = firstOf(d.Attempts[n-1].Error, why)
		}
		if d.Reason == event.ReasonChannelOff {
			why = "the channel sends nothing: " + d.Detail
		}
		why = firstOf(why, d.Waits)
		if d.State == "pending" && strings.HasPrefix(d.Waits, "the channel") {
			why = d.Waits
		}
		rows[i] = []string{d.ID, d.channel(), d.Kind, d.mark(), strconv.FormatInt(d.Tries, 10), when, d.elsewhere(why)}
	}
	return rows
}
