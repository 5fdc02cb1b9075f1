// Package orchestration takes observations in, routes them to pipeline definitions, and runs those: definitions and their
// versions, receipts, runs and their nodes. It knows no other app; what nodes do with alerts, checks, analyses and
// notifications lives in package nodes.
package orchestration

import (
	"errors"

	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Most rows and bytes of one detail.
const (
	ObservationLimit = 100
	BodyPreview      = 64 << 10
)

// Reader answers questions about receipts and runs and writes nothing. It is safe for concurrent use. Missing rows, and rows
// of other tenants, are storage.ErrNotFound.
type Reader struct{ db *storage.DB }

// NewReader returns a Reader.
func NewReader(db *storage.DB) (*Reader, error) {
	if db == nil {
		return nil, errors.New("orchestration: the reader needs a database")
	}
	return &Reader{db: db}, nil
}
