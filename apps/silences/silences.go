// Package silences keeps what people do not want to be told of for a while: silences and maintenance windows. It says which alerts are
// silenced, ends what is over, and shows beforehand what a silence would hide.
package silences

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Errors of silences. A missing one is storage.ErrNotFound, bad input is *Invalid, what is over wraps event.ErrRefused.
var (
	// ErrConflict: somebody else changed it since it was read.
	ErrConflict = errors.New("the silence was changed meanwhile; load it again and repeat the change")
	// ErrExists: a silence that is not over has this name.
	ErrExists = errors.New("a silence with this name exists; choose another name")
	// ErrTooMany bounds what every alert is compared with.
	ErrTooMany = errors.New("there are 1000 silences that are not over; let some of them expire first")
)

// The kinds. They differ in the word that is given as the reason.
const (
	KindSilence     = "silence"
	KindMaintenance = "maintenance"
)

// Status says where a silence stands.
type Status string

// The states of a silence. One that recurs is pending between its windows.
const (
	Pending Status = "pending"
	Active  Status = "active"
	Expired Status = "expired"
)

// Silence keeps people from being told of the alerts that all of its matchers hold for.
type Silence struct {
	ID        id.ID
	TenantID  string
	Name      string // of those that configuration files know; "" for the rest
	Kind      string
	Matchers  []string
	Comment   string
	CreatedBy string
	StartsAt  time.Time
	EndsAt    time.Time // zero: no fixed end
	// UntilResolved ends it when nothing that it matches fires any more, after something has.
	UntilResolved bool
	// UnusedFor ends it when it matched no firing alert for that long; 0: never.
	UnusedFor time.Duration
	// Recurrence makes it a series of windows; nil: it is one.
	Recurrence *Recurrence
	UsedAt     time.Time // when it last matched a firing alert, as far as was looked
	ExpiredAt  time.Time // when it was ended, zero while it is not
	ExpiredBy  string    // who ended it, "" when it ended by itself
	Version    int64
	CreatedAt  time.Time
	UpdatedAt  time.Time

	// What follows is found out when it is read.

	Status Status
	// Until is when it, or its window, is over; zero: nobody knows. Next is when it, or its next window, begins; zero: it is on, or over.
	Until, Next time.Time
	// Holding is how many incidents wait for its end to be told.
	Holding int64
}

// row is a silence as it is stored.
type row struct {
	ID            id.ID                  `gorm:"column:id;primaryKey;type:uuid"`
	TenantID      string                 `gorm:"column:tenant_id"`
	Name          string                 `gorm:"column:name"`
	Kind          string                 `gorm:"column:kind"`
	Matchers      storage.JSON[[]string] `gorm:"column:matchers"`
	Comment       string                 `gorm:"column:comment"`
	CreatedBy     string                 `gorm:"column:created_by"`
	StartsAt      time.Time              `gorm:"column:starts_at"`
	EndsAt        *time.Time             `gorm:"column:ends_at"`
	UntilResolved bool                   `gorm:"column:until_resolved"`
	UnusedForS    int64                  `gorm:"column:unused_for_s"`
	Recurrence    string                 `gorm:"column:recurrence"`
	UsedAt        *time.Time             `gorm:"column:used_at"`
	ExpiredAt     *time.Time             `gorm:"column:expired_at"`
	ExpiredBy     string                 `gorm:"column:expired_by"`
	Version       int64                  `gorm:"column:version"`
	CreatedAt     time.Time              `gorm:"column:created_at;autoCreateTime:false"`
	UpdatedAt     time.Time              `gorm:"column:updated_at;autoUpdateTime:false"`
}

// TableName implements gorm's Tabler.
func (row) TableName() string { return "silences" }

func (s *Silence) row() row {
	r := row{
		ID: s.ID, TenantID: s.TenantID, Name: s.Name, Kind: s.Kind, Matchers: storage.Doc(s.Matchers), Comment: s.Comment, CreatedBy: s.CreatedBy,
		StartsAt: s.StartsAt, EndsAt: pointer(s.EndsAt), UntilResolved: s.UntilResolved, UnusedForS: int64(s.UnusedFor / time.Second),
		UsedAt: pointer(s.UsedAt), ExpiredAt: pointer(s.ExpiredAt), ExpiredBy: s.ExpiredBy, Version: s.Version, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
	}
	if s.Recurrence != nil {
		raw, _ := json.Marshal(s.Recurrence) // three texts
		r.Recurrence = string(raw)
	}
	return r
}

func (r *row) silence() (Silence, error) {
	s := Silence{
		ID: r.ID, TenantID: r.TenantID, Name: r.Name, Kind: r.Kind, Matchers: r.Matchers.V, Comment: r.Comment, CreatedBy: r.CreatedBy,
		StartsAt: r.StartsAt.UTC(), EndsAt: value(r.EndsAt), UntilResolved: r.UntilResolved, UnusedFor: time.Duration(r.UnusedForS) * time.Second,
		UsedAt: value(r.UsedAt), ExpiredAt: value(r.ExpiredAt), ExpiredBy: r.ExpiredBy, Version: r.Version, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(),
	}
	if r.Recurrence != "" {
		s.Recurrence = &Recurrence{}
		return s, json.Unmarshal([]byte(r.Recurrence), s.Recurrence)
	}
	return s, nil
}

func pointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func value(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

// Firing goes through the alerts of a tenant that fire, in any order, until fn says that it has enough; internal/server fits apps/alerts
// to it.
type Firing func(ctx context.Context, tenant string, fn func(*event.Alert) (more bool)) error

// Config holds what a Service needs. Past may be nil where nobody asks for previews.
type Config struct {
	DB     *storage.DB
	Log    *slog.Logger
	Firing Firing
	Past   Past
	// Changed is called after each committed change in this process.
	Changed func()
}

// Service manages silences. It is safe for concurrent use. Callers check permissions: respond for every write.
type Service struct {
	db      *storage.DB
	log     *slog.Logger
	firing  Firing
	past    Past
	changed func()
}

// New returns a Service. It reads nothing.
func New(c Config) (*Service, error) {
	if c.DB == nil || c.Log == nil || c.Firing == nil {
		return nil, errors.New("silences: DB, Log and Firing are required")
	}
	if c.Changed == nil {
		c.Changed = func() {}
	}
	return &Service{db: c.DB, log: c.Log.With("app", "silences"), firing: c.Firing, past: c.Past, changed: c.Changed}, nil
}

// now is the database's time: silences begin and end by it, whatever the clocks of processes say.
func (s *Service) now(ctx context.Context) (time.Time, error) {
	t, err := s.db.Time(ctx)
	return clock.Cut(t), err
}

// Suggest makes matchers for alerts: the labels that all of them have in common, but their severity, which changes while they fire.
// Whatever is in the labels, the matchers are read as they are meant, and match all of the alerts.
func Suggest(alerts []*event.Alert) []string {
	if len(alerts) == 0 {
		return nil
	}
	common := map[string]string{"alertname": alerts[0].Name}
	for name, v := range alerts[0].Labels {
		if name != "severity" {
			common[name] = v
		}
	}
	for name, v := range common {
		if fits(name, v) && !slices.ContainsFunc(alerts, func(a *event.Alert) bool { return label(a, name) != v }) {
			continue
		}
		delete(common, name)
	}
	if source := label(alerts[0], "source"); len(common) == 0 && fits("source", source) &&
		!slices.ContainsFunc(alerts, func(a *event.Alert) bool { return label(a, "source") != source }) {
		common["source"] = source
	}
	out := make([]string, 0, len(common))
	for name, v := range common {
		m := Matcher{Name: name, Op: Equal, Value: v}
		out = append(out, m.String())
	}
	slices.SortFunc(out, func(a, b string) int {
		if first := strings.HasPrefix(a, "alertname="); first != strings.HasPrefix(b, "alertname=") {
			if first {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return out[:min(len(out), maxMatchers)]
}

// fits reports whether a matcher can ask for the value.
func fits(name, v string) bool {
	return v != "" && len(v) <= maxValue && utf8.RuneCountInString(name) <= maxName && utf8.ValidString(name+v)
}
