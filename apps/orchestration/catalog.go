package orchestration

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/incidenthub/incidenthub/apps/orchestration/graph"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Catalog holds the compiled definitions in memory. Accepting compares its generation with the stored one in the same
// transaction, so that no push is routed by an outdated definition.
type Catalog struct {
	db    *storage.DB
	specs []graph.NodeSpec
	log   *slog.Logger
	now   atomic.Pointer[routes]

	mu       sync.Mutex
	compiled map[versionKey]*graph.Graph
}

// Route is an active definition.
type Route struct {
	ID      id.ID
	Name    string
	Version int64
	Graph   *graph.Graph
	// TellsResolved is set when a notify node asks for resolved incidents.
	TellsResolved bool
	// Shadow runs beside the routes that take an alert, and tells nobody.
	Shadow bool
}

type routes struct {
	generation int64
	byTenant   map[string][]*Route // by priority, then name
	incident   map[string][]*Route // of them, those that wait for incidents
}

func newRoute(definition id.ID, name string, version int64, g *graph.Graph) *Route {
	return &Route{ID: definition, Name: name, Version: version, Graph: g, TellsResolved: tellsResolved(g), Shadow: g.Definition.Shadow}
}

type versionKey struct {
	definition id.ID
	version    int64
}

// Parser is how the payload of a run by hand is read: by which driver, and which is tried first when the payload names none.
func (r *Route) Parser() (driver, hint string) {
	if n := r.Graph.Entry(); n != nil {
		if c, ok := n.Config.(*graph.IngestConfig); ok {
			return c.Driver, c.SourceHint
		}
	}
	return "", ""
}

// NewCatalog returns an empty catalog; Reload fills it.
func NewCatalog(db *storage.DB, specs []graph.NodeSpec, log *slog.Logger) *Catalog {
	c := &Catalog{db: db, specs: specs, log: log, compiled: map[versionKey]*graph.Graph{}}
	c.now.Store(&routes{})
	return c
}

// Reload reads the active definitions, as those of a generation that was read before. One that does not compile (made by another release)
// is left out and logged: it must not stop the others.
func (c *Catalog) Reload(ctx context.Context, generation int64) error {
	var rows []struct {
		ID       id.ID  `gorm:"column:id"`
		TenantID string `gorm:"column:tenant_id"`
		Name     string `gorm:"column:name"`
		Version  int64  `gorm:"column:version"`
		Config   string `gorm:"column:config"`
	}
	if err := c.db.Read(ctx).Raw(`SELECT id, tenant_id, name, version, config FROM definitions WHERE is_active AND deleted_at IS NULL`).
		Scan(&rows).Error; err != nil {
		return fmt.Errorf("load the definitions: %w", storage.Classify(err))
	}
	set := &routes{generation: generation, byTenant: map[string][]*Route{}, incident: map[string][]*Route{}}
	for _, r := range rows {
		g, err := c.compile(versionKey{r.ID, r.Version}, []byte(r.Config))
		if err != nil {
			c.log.ErrorContext(ctx, "leave out a definition", "definition", r.Name, "version", r.Version, "error", err)
			continue
		}
		set.byTenant[r.TenantID] = append(set.byTenant[r.TenantID], newRoute(r.ID, r.Name, r.Version, g))
	}
	for tenant, list := range set.byTenant {
		slices.SortFunc(list, func(a, b *Route) int {
			return cmp.Or(cmp.Compare(a.Graph.Trigger.Priority, b.Graph.Trigger.Priority), cmp.Compare(a.Name, b.Name))
		})
		for _, r := range list {
			if r.Graph.Trigger.WaitsFor(graph.TriggerIncident) {
				set.incident[tenant] = append(set.incident[tenant], r)
			}
		}
	}
	c.now.Store(set)
	return nil
}

func tellsResolved(g *graph.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool {
		cfg, ok := n.Config.(*graph.NotifyConfig)
		return ok && cfg.Tells(graph.OnResolved)
	})
}

func (c *Catalog) compile(k versionKey, config []byte) (*graph.Graph, error) {
	c.mu.Lock()
	g := c.compiled[k]
	c.mu.Unlock()
	if g != nil {
		return g, nil
	}
	g, err := graph.Load(config, c.specs)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.compiled) > 1000 {
		clear(c.compiled)
	}
	c.compiled[k] = g
	return g, nil
}

// Graph returns the compiled form of a version, which runs that began with it go on with.
func (c *Catalog) Graph(ctx context.Context, definition id.ID, version int64) (*graph.Graph, error) {
	k := versionKey{definition, version}
	c.mu.Lock()
	g := c.compiled[k]
	c.mu.Unlock()
	if g != nil {
		return g, nil
	}
	var config string
	tx := c.db.Read(ctx).Raw(`SELECT config FROM definition_versions WHERE definition_id = ? AND version = ?`, definition, version).Scan(&config)
	if tx.Error != nil {
		return nil, fmt.Errorf("load definition %s version %d: %w", definition, version, storage.Classify(tx.Error))
	}
	if tx.RowsAffected == 0 {
		return nil, fmt.Errorf("definition %s version %d: %w", definition, version, storage.ErrNotFound)
	}
	return c.compile(k, []byte(config))
}

// Named returns a tenant's active definition, or nil.
func (c *Catalog) Named(tenant, name string) *Route {
	list := c.now.Load().byTenant[tenant]
	if i := slices.IndexFunc(list, func(r *Route) bool { return r.Name == name }); i >= 0 {
		return list[i]
	}
	return nil
}
