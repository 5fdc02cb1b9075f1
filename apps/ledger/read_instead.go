package ledger

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// insteadChain is how many deliveries are followed from one to the one that stands in for it.
const insteadChain = 4

// insteadOf reads the deliveries that told what others did not, by their id; one query for all, and one more for each link of a chain.
func (r *Reader) insteadOf(ctx context.Context, tenant string, told []toldLine) (map[id.ID]toldLine, error) {
	out := map[id.ID]toldLine{}
	for range insteadChain {
		var want []id.ID
		for _, t := range told {
			if _, known := out[t.InsteadID]; !known {
				want = appendNew(want, t.InsteadID)
			}
		}
		if len(want) == 0 {
			break
		}
		told = nil
		err := r.db.Read(ctx).Raw(`SELECT d.id, COALESCE(c.name, g.name, '') AS channel, d.state, d.reason, d.detail, d.event_seq, d.created_at, d.instead_id
			FROM deliveries d LEFT JOIN channels c ON c.id = d.channel_id LEFT JOIN former_channels g ON g.channel_id = d.channel_id
			AND g.tenant_id = d.tenant_id WHERE d.id IN ? AND d.tenant_id = ?`, want, tenant).Scan(&told).Error
		if err != nil {
			return nil, fmt.Errorf("load who was told instead: %w", storage.Classify(err))
		}
		for _, t := range told {
			out[t.ID] = t
		}
	}
	return out, nil
}

// heardInstead takes over what was told when a throttle had room, and what other channels were told in the place of those of its
// run.
func (l *Line) heardInstead(told []toldLine, instead map[id.ID]toldLine) {
	for _, t := range told {
		for range insteadChain {
			o, ok := instead[t.InsteadID]
			if !ok {
				break
			}
			cause := "fallback"
			if t.Reason == event.ReasonThrottled {
				cause = "throttle"
			}
			one := LineDelivery{LineChannel{Channel: o.Channel, State: o.State, Reason: o.Reason}, o.ID, cause}
			if l.Later == nil {
				l.Later = &LineLater{At: o.CreatedAt.UTC(), Channels: []LineDelivery{}}
			}
			if !slices.Contains(l.Later.Channels, one) {
				l.Later.Channels = append(l.Later.Channels, one)
			}
			t = o
		}
	}
}

// about takes what a line is about out of its labels.
func (l *Line) about() {
	var labels map[string]string
	if json.Unmarshal([]byte(l.Labels), &labels) == nil {
		l.Instance = event.Instance(labels)
	}
}
