// Package analysts keeps the configured language models: who they are, what they are told to call, and which one is asked. Their secrets
// go in and do not come out, but to the provider that is asked.
package analysts

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Errors of providers. A missing one is storage.ErrNotFound, bad input is *Invalid.
var (
	// ErrConflict: somebody else changed the provider since it was read.
	ErrConflict = errors.New("the provider was changed meanwhile; load it again and repeat the change")
	// ErrExists: the name is taken.
	ErrExists = errors.New("a provider with this name exists; choose another name")
)

// Record is a configured provider. Secret settings are not in it: Config has {"configured": true} in their place.
type Record struct {
	ID          id.ID                         `gorm:"column:id;primaryKey;type:uuid"`
	TenantID    string                        `gorm:"column:tenant_id"`
	Name        string                        `gorm:"column:name"`
	Provider    string                        `gorm:"column:provider"` // the kind: openai, claude …
	Config      storage.JSON[json.RawMessage] `gorm:"column:config"`
	IsActive    bool                          `gorm:"column:is_active"` // at most one of a tenant is
	Description string                        `gorm:"column:description"`
	Version     int64                         `gorm:"column:version"`
	CreatedAt   time.Time                     `gorm:"column:created_at"`
	UpdatedAt   time.Time                     `gorm:"column:updated_at;autoUpdateTime:false"`
	// Model is the model that is asked, and Warnings are what an operator should see to: that it has ended, that its address is not
	// allowed. Both are found out when the record is read.
	Model    string   `gorm:"-"`
	Warnings []string `gorm:"-"`
}

// TableName implements gorm's Tabler.
func (Record) TableName() string { return "providers" }

// RecordInput is what an operator sets. Update replaces everything: start from InputOf for a partial change.
type RecordInput struct {
	Name     string
	Provider string // fixed once the record exists; "" keeps it
	// Config are the provider's settings. Nil keeps what is stored. A secret is kept if its key is left out or holds the mask
	// {"configured": true}, and removed by null or "".
	Config      json.RawMessage
	IsActive    bool // true: whoever was active is not any more
	Description string
}

// InputOf returns the RecordInput that would leave r as it is.
func InputOf(r Record) RecordInput {
	return RecordInput{Name: r.Name, Provider: r.Provider, Config: r.Config.V, IsActive: r.IsActive, Description: r.Description}
}

// Problem is one complaint about a RecordInput and says what to do. It never holds a setting's value.
type Problem struct {
	Field   string // name, provider, config, config.base_url, config.headers.Authorization …
	Message string
}

// Invalid holds all problems of a RecordInput at once.
type Invalid struct{ Problems []Problem } //nolint:errname // reads analysts.Invalid, as in every app

// Error implements error.
func (e *Invalid) Error() string {
	parts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		parts[i] = p.Field + ": " + p.Message
	}
	return "invalid provider: " + strings.Join(parts, "; ")
}

// Unusable is *Invalid for an error about settings as they are stored, with what they are told or what their secrets lack; other errors stay.
func Unusable(err error) error {
	if e, ok := errors.AsType[*unusable](err); ok {
		return invalid([]Problem{{"config", e.Error()}})
	}
	if found := settings.KeyErrors(err); len(found) > 0 {
		return invalid(problems(found))
	}
	return err
}

// unusable is why a Live cannot be asked.
type unusable struct {
	text  string
	cause error
}

func (e *unusable) Error() string { return e.text }

func (e *unusable) Unwrap() error { return e.cause }

func problems(found []*settings.KeyError) []Problem {
	p := make([]Problem, 0, len(found))
	for _, k := range found {
		p = append(p, Problem{k.At(), k.Message})
	}
	return p
}

func invalid(p []Problem) error {
	if len(p) == 0 {
		return nil
	}
	return &Invalid{Problems: p}
}
