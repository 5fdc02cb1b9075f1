package web

import (
	"cmp"

	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
)

// fateMark is how a delivery went. One that some of its recipients did not get is not simply delivered.
func fateMark(d notify.DeliveryView) Mark {
	if d.State == "delivered" && d.Partly != "" {
		return Mark{"warning", "warning", "Partly"}
	}
	return deliveryMark(d.State)
}

// headline is what a delivery is about, in a few words.
func headline(d notify.DeliveryView) string {
	byHand := map[channel.Kind]string{channel.KindTest: "A test of the channel", channel.KindSent: "A message sent by hand"}[d.Kind]
	return cmp.Or(d.IncidentTitle, d.Title, byHand, "–")
}

// toldGroup is a delivery, with others of which the same is to be said.
type toldGroup struct {
	notify.DeliveryView

	Others []notify.DeliveryView
}

// All are the delivery and the others.
func (g toldGroup) All() []notify.DeliveryView {
	return append([]notify.DeliveryView{g.DeliveryView}, g.Others...)
}

// fewAlike is how many channels may say the same one by one.
const fewAlike = 3

// grouped puts deliveries together that went the same way, when they are many; the order is that of the first of each.
func grouped(list []notify.DeliveryView) []toldGroup {
	type said struct {
		seq                         int64
		kind                        channel.Kind
		state, reason, detail, wait string
		partly                      string
	}
	at := map[said][]notify.DeliveryView{}
	var order []said
	for _, d := range list {
		k := said{d.EventSeq, d.Kind, d.State, d.Reason, d.Detail, d.Waits, d.Partly}
		if at[k] == nil {
			order = append(order, k)
		}
		at[k] = append(at[k], d)
	}
	out := make([]toldGroup, 0, len(list))
	for _, k := range order {
		if same := at[k]; len(same) > fewAlike {
			out = append(out, toldGroup{same[0], same[1:]})
			continue
		}
		for _, d := range at[k] {
			out = append(out, toldGroup{DeliveryView: d})
		}
	}
	return out
}
