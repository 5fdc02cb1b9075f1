package orchestration

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Errors of definitions. A missing one is storage.ErrNotFound, bad input is *InvalidDefinition.
var (
	// ErrDefinitionConflict: somebody else changed the definition since it was read.
	ErrDefinitionConflict = errors.New("the pipeline was changed meanwhile; load it again and repeat the change")
	// ErrDefinitionExists: the name is taken.
	ErrDefinitionExists = errors.New("a pipeline with this name exists; choose another name")
)

// Definition is a stored pipeline definition in its newest version.
type Definition struct {
	ID          id.ID                         `gorm:"column:id;primaryKey;type:uuid"`
	TenantID    string                        `gorm:"column:tenant_id"`
	Name        string                        `gorm:"column:name"` // unique among those that are not deleted
	Description string                        `gorm:"column:description"`
	Version     int64                         `gorm:"column:version"` // of Config, from 1
	Config      storage.JSON[json.RawMessage] `gorm:"column:config"`  // what graph.Load reads; keys sorted
	Tags        storage.JSON[[]string]        `gorm:"column:tags"`
	IsActive    bool                          `gorm:"column:is_active"` // takes part in routing
	CreatedBy   string                        `gorm:"column:created_by"`
	CreatedAt   time.Time                     `gorm:"column:created_at"`
	UpdatedAt   time.Time                     `gorm:"column:updated_at;autoUpdateTime:false"`
	DeletedAt   *time.Time                    `gorm:"column:deleted_at"`
}

// TableName implements gorm's Tabler.
func (Definition) TableName() string { return "definitions" }

// DefinitionVersion is one version of a definition's config; it never changes but for Vouched, and outlives the definition.
type DefinitionVersion struct {
	DefinitionID id.ID                         `gorm:"column:definition_id;primaryKey;type:uuid"`
	Version      int64                         `gorm:"column:version;primaryKey;autoIncrement:false"`
	TenantID     string                        `gorm:"column:tenant_id"`
	Config       storage.JSON[json.RawMessage] `gorm:"column:config"`
	CreatedBy    string                        `gorm:"column:created_by"` // who wrote this version
	CreatedAt    time.Time                     `gorm:"column:created_at"`
	Vouched      bool                          `gorm:"column:vouched"` // by the operator: see DefinitionInput
}

// TableName implements gorm's Tabler.
func (DefinitionVersion) TableName() string { return "definition_versions" }

// DefinitionInput is what an operator sets. Update replaces all of it: start from InputOfDefinition for a partial change.
type DefinitionInput struct {
	Name        string
	Description string // "": the one in Config
	Config      json.RawMessage
	Tags        []string
	IsActive    bool
	By          string // who writes this version
	// Vouched: the operator wrote it, who has the database at hand (apply). What checks connect to is then the operator's own word, and not
	// guarded. Nothing that comes over the API or a page may set it.
	Vouched bool
}

// InputOfDefinition returns the input that would leave d as it is.
func InputOfDefinition(d Definition) DefinitionInput {
	return DefinitionInput{Name: d.Name, Description: d.Description, Config: d.Config.V, Tags: d.Tags.V, IsActive: d.IsActive, By: d.CreatedBy}
}

// InvalidDefinition holds all problems of a DefinitionInput at once. Pointers start at the input: /name, /tags/0, and
// /config/… for what the lint found. Warnings may be among them; alone they are no error.
type InvalidDefinition struct{ Problems []graph.Problem } //nolint:errname // as in the other apps

// Error implements error, one problem a line.
func (e *InvalidDefinition) Error() string {
	var b strings.Builder
	b.WriteString("the pipeline is not valid")
	for _, p := range e.Problems {
		if p.Severity == graph.SeverityError {
			b.WriteString("\n" + p.String())
		}
	}
	return b.String()
}
