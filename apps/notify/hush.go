package notify

import (
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// Hush knows which alerts are silenced. Planning asks it inside transactions, so it looks at memory only; internal/server fits
// apps/silences to it.
type Hush interface {
	// Silenced says what silences an alert at a time; the zero value is nothing.
	Silenced(tenant string, a *event.Alert, at time.Time) Silenced
}

// Silenced is what holds an alert back.
type Silenced struct {
	By     id.ID  // the silence
	Reason string // event.ReasonSilenced or event.ReasonMaintenance
	Detail string // in a sentence: by whom, until when, why
}

// noHush silences nothing.
type noHush struct{}

func (noHush) Silenced(string, *event.Alert, time.Time) Silenced { return Silenced{} }
