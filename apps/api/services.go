package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// Auth tells who a caller is; *auth.Service fits.
type Auth interface {
	Authenticate(ctx context.Context, credential string) (auth.Principal, error)
	LoadSession(ctx context.Context, cookie string) (auth.Session, error)
}

// Keys manages API keys; *auth.Service fits.
type Keys interface {
	CreateKey(ctx context.Context, tenant string, in auth.KeyInput) (auth.Key, string, error)
	ListKeys(ctx context.Context, tenant string) ([]auth.Key, error)
	RevokeKey(ctx context.Context, tenant, ref string) (auth.Key, error)
}

// Alerts reads alerts and incidents; *alerts.Reader fits.
type Alerts interface {
	Alerts(ctx context.Context, tenant string, f alerts.AlertFilter, p storage.Paging) (storage.Page[alerts.Alert], error)
	Alert(ctx context.Context, tenant string, alert id.ID) (alerts.AlertDetail, error)
	Incidents(ctx context.Context, tenant string, f alerts.IncidentFilter, p storage.Paging) (storage.Page[alerts.Incident], error)
	Incident(ctx context.Context, tenant string, incident id.ID) (alerts.IncidentDetail, error)
	Timeline(ctx context.Context, tenant string, incident id.ID) ([]alerts.TimelineEntry, error)
	Counts(ctx context.Context, tenant string) (alerts.IncidentCounts, error)
}

// Acts is what a person can do to an incident; *orchestration.Acts fits. Doing what is done already is no error; what is not
// possible wraps event.ErrRefused.
type Acts interface {
	Acknowledge(ctx context.Context, tenant string, incident id.ID, by string) error
	Resolve(ctx context.Context, tenant string, incident id.ID, by, summary string) error
	Close(ctx context.Context, tenant string, incident id.ID, by string) error
	Reopen(ctx context.Context, tenant string, incident id.ID, by string) error
	Note(ctx context.Context, tenant string, incident id.ID, author, text string) error
}

// RunActs is what a person can do to a run; *orchestration.RunActs fits. What is not possible wraps event.ErrRefused.
type RunActs interface {
	Cancel(ctx context.Context, tenant string, run id.ID, by string) error
	Resume(ctx context.Context, tenant string, run id.ID, by string) error
	Replay(ctx context.Context, tenant string, run id.ID, r orchestration.Replay, by string) (id.ID, error)
}

// Flow reads receipts and runs; *orchestration.Reader fits.
type Flow interface {
	Receipts(ctx context.Context, tenant string, f orchestration.ReceiptFilter, p storage.Paging) (storage.Page[orchestration.Receipt], error)
	Receipt(ctx context.Context, tenant string, receipt id.ID) (orchestration.ReceiptDetail, error)
	Observations(ctx context.Context, tenant string, receipt id.ID, from int64, limit int) ([]orchestration.Observation, error)
	Body(ctx context.Context, tenant string, receipt id.ID) ([]byte, error)
	Runs(ctx context.Context, tenant string, f orchestration.RunFilter, p storage.Paging) (storage.Page[orchestration.Run], error)
	Run(ctx context.Context, tenant string, run id.ID) (orchestration.RunDetail, error)
}

// Reprocess takes a stored receipt in again, as a new receipt whose id it returns.
type Reprocess interface {
	Reprocess(ctx context.Context, tenant string, receipt id.ID) (id.ID, error)
}

// Sources manages webhook entries; *sources.Service fits.
type Sources interface {
	List(ctx context.Context, tenant string) ([]sources.Source, error)
	Get(ctx context.Context, tenant, ref string) (sources.Source, error)
	Create(ctx context.Context, tenant string, in sources.Input) (sources.Source, string, error)
	Update(ctx context.Context, tenant, ref string, version int64, in sources.Input) (sources.Source, error)
	Delete(ctx context.Context, tenant, ref string) error
	RotateKey(ctx context.Context, tenant, ref string) (sources.Source, string, error)
}

// Channels manages channels; *notify.ChannelService fits.
type Channels interface {
	List(ctx context.Context, tenant string) ([]notify.Channel, error)
	Get(ctx context.Context, tenant, ref string) (notify.Channel, error)
	Create(ctx context.Context, tenant string, in notify.ChannelInput) (notify.Channel, error)
	Update(ctx context.Context, tenant, ref string, version int64, in notify.ChannelInput) (notify.Channel, error)
	Delete(ctx context.Context, tenant, ref string) error
	Validate(driver string, config json.RawMessage) error
	// ValidateStored takes nil for the settings that are stored.
	ValidateStored(ctx context.Context, tenant, ref string, config json.RawMessage) error
}

// Hand tells by hand: one attempt, within the call; *notify.Hand fits.
type Hand interface {
	Test(ctx context.Context, tenant, ref string) (notify.SendResult, error)
	Send(ctx context.Context, tenant string, in notify.SendInput) (notify.SendResult, error)
}

// Resender tells again what was told, or could not be; *notify.Service fits. What is not possible wraps event.ErrRefused.
type Resender interface {
	Resend(ctx context.Context, tenant string, delivery id.ID, channel, by string) (id.ID, error)
}

// Deliveries reads deliveries and messages; *notify.Reader fits.
type Deliveries interface {
	Deliveries(ctx context.Context, tenant string, f notify.DeliveryFilter, p storage.Paging) (storage.Page[notify.DeliveryView], error)
	Delivery(ctx context.Context, tenant string, delivery id.ID) (notify.DeliveryDetail, error)
	Message(ctx context.Context, tenant string, message id.ID) (notify.MessageView, error)
}

// Inbox shows the messages of the built-in channel; *notify.Inbox fits.
type Inbox interface {
	List(ctx context.Context, tenant string, f notify.InboxFilter, p storage.Paging) (storage.Page[notify.InboxMessage], error)
	Unread(ctx context.Context, tenant string) (int, error)
	MarkRead(ctx context.Context, tenant string, messages ...id.ID) (int, error)
	MarkAllRead(ctx context.Context, tenant string, upTo id.ID) (int, error)
}

// Definitions manages pipeline definitions; *orchestration.DefinitionService fits.
type Definitions interface {
	List(ctx context.Context, tenant string, includeInactive bool) ([]orchestration.Definition, error)
	Get(ctx context.Context, tenant, ref string) (orchestration.Definition, error)
	Version(ctx context.Context, tenant string, definition id.ID, n int64) (orchestration.DefinitionVersion, error)
	VersionPage(ctx context.Context, tenant string, definition id.ID, before int64, limit int) (list []orchestration.DefinitionVersion, next int64, err error)
	Diff(ctx context.Context, tenant, ref string, from, to int64) (orchestration.VersionDiff, error)
	Validate(ctx context.Context, tenant string, raw []byte) ([]orchestration.LintProblem, error)
	Create(ctx context.Context, tenant string, in orchestration.DefinitionInput) (orchestration.Definition, error)
	Change(ctx context.Context, tenant, ref string, guard orchestration.DefinitionGuard, fn func(orchestration.Definition) orchestration.DefinitionInput) (orchestration.Definition, error)
	Restore(ctx context.Context, tenant, ref string, version int64, guard orchestration.DefinitionGuard, by string) (orchestration.Definition, error)
	Clone(ctx context.Context, tenant, ref, name, by string) (orchestration.Definition, error)
	SoftDelete(ctx context.Context, tenant, ref string) error
	Schedule(ctx context.Context, d orchestration.Definition) (*orchestration.Schedule, error)
}

// Ledger tells what became of every observation, and why; *ledger.Reader fits.
type Ledger interface {
	Totals(ctx context.Context, tenant string) (ledger.Totals, error)
	Lines(ctx context.Context, tenant string, f ledger.LineFilter, p ledger.LinePaging) (storage.Page[ledger.Line], error)
	Why(ctx context.Context, tenant string, about id.ID) (ledger.Explanation, error)
}

// Queues tells what waits; *queue.Viewer fits.
type Queues interface {
	View(ctx context.Context) (queue.View, error)
	Jobs(ctx context.Context, tenant, name string, f queue.Filter) (storage.Page[queue.Row], error)
}

// Balance is what the hub's check of its own books found last.
type Balance struct {
	Balanced  bool
	Problem   string    // in words, when not balanced
	CheckedAt time.Time // zero: not checked yet
}

// Books tells whether the hub accounts for every alert.
type Books interface {
	Balance(ctx context.Context, tenant string) (Balance, error)
}

// Ready tells whether the hub can take alerts in; the error says what is missing.
type Ready interface {
	Ready(ctx context.Context) error
}

// Events tells what changes; *pubsub.Broadcaster fits.
type Events interface {
	Subscribe(tenant string) (events <-chan pubsub.Event, cancel func())
}
