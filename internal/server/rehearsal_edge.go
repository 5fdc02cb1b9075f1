package server

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/incidenthub/incidenthub/internal/platform/id"
)

// edge is the beginning of a window: what happened before it is told apart from what happened in it.
type edge struct {
	at    time.Time // when its first receipt came in
	first id.ID     // that receipt
}

func (e *edge) incidents(context.Context, *gorm.DB, []seedIncident) ([]seedIncident, error) {
	return nil, nil
}
func (e *edge) alerts(context.Context, *gorm.DB, []seedAlert) ([]seedAlert, error) { return nil, nil }

type groupBy struct{}
