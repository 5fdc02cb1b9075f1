// Package sources owns the configured webhook entries: who may post alerts, with which key or signature, and how what they
// post is named and grouped. It opens no port; intake asks it for a Snapshot and lets each Entry verify its senders.
package sources

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Errors of the package. A missing entry is storage.ErrNotFound, bad input is *Invalid.
var (
	// ErrConflict: somebody else changed the entry since it was read.
	ErrConflict = errors.New("the source was changed meanwhile; load it again and repeat the change")
	// ErrExists: the name is taken.
	ErrExists = errors.New("a source with this name exists; choose another name")
	// ErrDefault: the default entry stays.
	ErrDefault = errors.New("the default source cannot be deleted; deactivate it or rotate its key instead")
	// ErrSignature: a demanded signature is missing or wrong. What follows in the text is for logs.
	ErrSignature = errors.New("invalid webhook signature")
)

// Problem is one complaint about an Input and says what to do.
type Problem struct {
	Field   string
	Message string
}

// Invalid holds all problems of an Input at once.
type Invalid struct{ Problems []Problem } //nolint:errname // reads as "the input is Invalid" where it is looked for

// Error implements error.
func (e *Invalid) Error() string {
	parts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		parts[i] = p.Field + ": " + p.Message
	}
	return "invalid source: " + strings.Join(parts, "; ")
}

// Source is a configured webhook entry.
type Source struct {
	ID          id.ID                 `gorm:"column:id;primaryKey;type:uuid"`
	TenantID    string                `gorm:"column:tenant_id"`
	Name        string                `gorm:"column:name"`
	Driver      string                `gorm:"column:driver"`      // "": by the shape of each body
	SourceName  string                `gorm:"column:source_name"` // replaces the alerts' source text when set
	Description string                `gorm:"column:description"`
	GroupBy     storage.JSON[GroupBy] `gorm:"column:group_by"`
	KeyPrefix   string                `gorm:"column:key_prefix"` // the key's first characters, to tell keys apart
	KeyHash     string                `gorm:"column:key_hash"`   // secret.HashToken of the key
	Signature   Signature             `gorm:"column:signature;type:text"`
	IsDefault   bool                  `gorm:"column:is_default"` // takes what names no entry; one per tenant
	IsActive    bool                  `gorm:"column:is_active"`
	Version     int64                 `gorm:"column:version"`
	CreatedAt   time.Time             `gorm:"column:created_at"`
	UpdatedAt   time.Time             `gorm:"column:updated_at;autoUpdateTime:false"`

	// SignatureConfigured and PreviousConfigured tell which of the two secrets are set, never what they are.
	SignatureConfigured bool `gorm:"-"`
	PreviousConfigured  bool `gorm:"-"`
}

// TableName implements gorm's Tabler.
func (Source) TableName() string { return "sources" }

// Scheme names how a sender signs.
type Scheme string

// The schemes (RELIABILITY 3). The zero value is no signature: the key alone counts.
const (
	SchemeNone      Scheme = ""
	SchemePagerDuty Scheme = "pagerduty"
	SchemeGrafana   Scheme = "grafana"
	SchemeNewRelic  Scheme = "newrelic"
	SchemeGeneric   Scheme = "generic"
)

// Schemes lists the ways to sign, in the order in which headers are looked for.
func Schemes() []Scheme {
	return []Scheme{SchemePagerDuty, SchemeGrafana, SchemeNewRelic, SchemeGeneric}
}

// Signature is an entry's scheme. As text, and so in its column: "<scheme>" or "<scheme>;timestamp=<header>".
type Signature struct {
	Scheme Scheme
	// TimestampHeader is the header with the seconds since 1970 that Grafana signs along; "" when it signs the body alone.
	TimestampHeader string
}

const timestampMark = ";timestamp="

// String returns the text form.
func (s Signature) String() string {
	if s.TimestampHeader == "" {
		return string(s.Scheme)
	}
	return string(s.Scheme) + timestampMark + s.TimestampHeader
}

// MarshalText implements encoding.TextMarshaler.
func (s Signature) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Signature) UnmarshalText(b []byte) error {
	scheme, header, _ := strings.Cut(string(b), timestampMark)
	if scheme != "" && !slices.Contains(Schemes(), Scheme(scheme)) {
		return fmt.Errorf("unknown signature scheme %q; known are %v", scheme, Schemes())
	}
	*s = Signature{Scheme: Scheme(scheme), TimestampHeader: header}
	return nil
}
