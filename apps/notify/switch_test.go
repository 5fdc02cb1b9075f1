package notify_test

import (
	"sync/atomic"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// switchHush silences everything while it is on.
type switchHush struct{ on atomic.Bool }

func (h *switchHush) Silenced(string, *event.Alert, time.Time) notify.Silenced {
	if !h.on.Load() {
		return notify.Silenced{}
	}
	return notify.Silenced{By: id.New(), Reason: event.ReasonSilenced, Detail: "silenced"}
}
