package notify

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Errors of channels. A missing channel is storage.ErrNotFound, bad input is *Invalid.
var (
	// ErrConflict: somebody else changed the channel since it was read.
	ErrConflict = errors.New("the channel was changed meanwhile; load it again and repeat the change")
	// ErrExists: the name is taken.
	ErrExists = errors.New("a channel with this name exists; choose another name")
	// ErrBuiltIn: the inbox stays.
	ErrBuiltIn = errors.New("the built-in inbox cannot be deleted; deactivate it instead")
	// ErrInUse: another channel falls back on it.
	ErrInUse = errors.New("other channels fall back on it; give them another fallback first")
)

// InboxName is the name of the built-in channel, and of its driver.
const InboxName = "inbox"

// Channel is a configured channel. Secret settings are not in it: Config has {"configured": true} in their place.
type Channel struct {
	ID          id.ID                         `gorm:"column:id;primaryKey;type:uuid"`
	TenantID    string                        `gorm:"column:tenant_id"`
	Name        string                        `gorm:"column:name"`
	Driver      string                        `gorm:"column:driver"`
	Config      storage.JSON[json.RawMessage] `gorm:"column:config"`
	IsActive    bool                          `gorm:"column:is_active"`
	Description string                        `gorm:"column:description"`
	MinSeverity event.Severity                `gorm:"column:min_severity"` // "": all
	// RenotifyS is after how many seconds it is reminded of what still fires; 0: never.
	RenotifyS int64 `gorm:"column:renotify_s"`
	// FallbackID is the channel that is told instead when this one cannot be: the zero id is none.
	FallbackID id.ID `gorm:"column:fallback_id;type:uuid"`
	// FallbackAfterS is how many seconds a delivery may take before; 0: only once it is dead.
	FallbackAfterS int64  `gorm:"column:fallback_after_s"`
	FallbackName   string `gorm:"-"` // of that channel
	Standing       `gorm:"-"`
	// ThrottleMessages is how many messages it takes in ThrottlePerS seconds; 0: any number.
	ThrottleMessages int64     `gorm:"column:throttle_messages"`
	ThrottlePerS     int64     `gorm:"column:throttle_per_s"`
	Version          int64     `gorm:"column:version"`
	CreatedAt        time.Time `gorm:"column:created_at"`
	UpdatedAt        time.Time `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (Channel) TableName() string { return "channels" }

// BuiltIn reports whether this is the inbox that every tenant has.
func (c Channel) BuiltIn() bool { return c.Driver == InboxName && c.Name == InboxName }

// ChannelInput is what an operator sets. Update replaces everything: start from InputOf for a partial change.
type ChannelInput struct {
	Name   string
	Driver string // fixed once the channel exists; "" keeps it
	// Config are the driver's settings. Nil keeps what is stored. A secret is kept if its key is left out or holds the mask
	// {"configured": true}, and removed by null or "".
	Config      json.RawMessage
	IsActive    bool
	Description string
	MinSeverity event.Severity
	// Renotify is how long after the last message a reminder follows while it still fires: 0 (never), or MinRenotify to MaxRenotify.
	Renotify time.Duration
	// Fallback is the name or the id of the channel that is told when this one cannot be; "": none.
	Fallback string
	// FallbackAfter is how long a delivery may take before Fallback is told; 0: only once it is dead.
	FallbackAfter time.Duration
	// Throttle is how many messages it takes in how long; the zero value: any number.
	Throttle Throttle
}

// InputOf returns the ChannelInput that would leave c as it is.
func InputOf(c Channel) ChannelInput {
	return ChannelInput{
		Name: c.Name, Driver: c.Driver, Config: c.Config.V, IsActive: c.IsActive, Description: c.Description, MinSeverity: c.MinSeverity,
		Renotify: seconds(c.RenotifyS), Fallback: c.FallbackID.String(), FallbackAfter: seconds(c.FallbackAfterS),
		Throttle: c.throttle(),
	}
}

// Problem is one complaint about a ChannelInput and says what to do. It never holds a setting's value.
type Problem struct {
	Field   string // name, driver, config, config.endpoint, config.headers.Authorization …
	Message string
}

// Invalid holds all problems of a ChannelInput at once.
type Invalid struct{ Problems []Problem } //nolint:errname // reads notify.Invalid, as in every app

// Error implements error.
func (e *Invalid) Error() string {
	parts := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		parts[i] = p.Field + ": " + p.Message
	}
	return "invalid channel: " + strings.Join(parts, "; ")
}
