package web

import (
	"slices"

	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/apps/notify"
)

// fewTold is the part of a list of channels that a line of a table has room for.
type fewTold[T any] struct {
	Shown []T
	More  int64 // how many are left out
}

// told cuts a list of channels to so many. A list that fits keeps its order; of one that does not, what went wrong or is not over comes
// first, so that it is never among those that are left out for what went well.
func told[T any](all []T, most int, state func(T) string) fewTold[T] {
	if len(all) <= most {
		return fewTold[T]{Shown: all}
	}
	rank := []string{"dead", "pending", "sending", "delivered"}
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b T) int { return standing(rank, state(a)) - standing(rank, state(b)) })
	return fewTold[T]{Shown: sorted[:most], More: int64(len(all) - most)}
}

// standing is where a word stands in a list, behind it when it is not there.
func standing(list []string, word string) int {
	if n := slices.Index(list, word); n >= 0 {
		return n
	}
	return len(list)
}

func fewDeliveries(all []notify.DeliveryView, most int) fewTold[notify.DeliveryView] {
	return told(all, most, func(d notify.DeliveryView) string { return d.State })
}

func fewChannels(all []ledger.LineChannel, most int) fewTold[ledger.LineChannel] {
	return told(all, most, func(c ledger.LineChannel) string { return c.State })
}

func fewLater(all []ledger.LineDelivery, most int) fewTold[ledger.LineDelivery] {
	return told(all, most, func(c ledger.LineDelivery) string { return c.State })
}
