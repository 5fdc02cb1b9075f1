package web

import (
	"context"
	"time"

	"github.com/incidenthub/incidenthub/apps/alerts"
	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/changes"
	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/intelligence"
	"github.com/incidenthub/incidenthub/apps/ledger"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/apps/silences"
	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/preflight"
	"github.com/incidenthub/incidenthub/internal/platform/pubsub"
	"github.com/incidenthub/incidenthub/internal/platform/queue"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/providers"
)

// Incidents reads incidents and alerts; *alerts.Reader fits. What is missing is storage.ErrNotFound, here and below.
type Incidents interface {
	Incidents(ctx context.Context, tenant string, f alerts.IncidentFilter, p storage.Paging) (storage.Page[alerts.Incident], error)
	Incident(ctx context.Context, tenant string, incident id.ID) (alerts.IncidentDetail, error)
	Timeline(ctx context.Context, tenant string, incident id.ID) ([]alerts.TimelineEntry, error)
	Counts(ctx context.Context, tenant string) (alerts.IncidentCounts, error)
}

// Flow reads receipts and runs; *orchestration.Reader fits.
type Flow interface {
	Receipts(ctx context.Context, tenant string, f orchestration.ReceiptFilter, p storage.Paging) (storage.Page[orchestration.Receipt], error)
	Receipt(ctx context.Context, tenant string, receipt id.ID) (orchestration.ReceiptDetail, error)
	Body(ctx context.Context, tenant string, receipt id.ID) ([]byte, error)
	Runs(ctx context.Context, tenant string, f orchestration.RunFilter, p storage.Paging) (storage.Page[orchestration.Run], error)
	Run(ctx context.Context, tenant string, run id.ID) (orchestration.RunDetail, error)
}

// Checks reads what checks said; *checkers.Store fits.
type Checks interface {
	Latest(ctx context.Context, tenant string) ([]checkers.CheckRun, error)
	Recent(ctx context.Context, tenant string, n int) (map[checkers.Key][]checkers.Moment, error)
	List(ctx context.Context, tenant string, f checkers.Filter, p storage.Paging) (storage.Page[checkers.CheckRun], error)
	History(ctx context.Context, tenant string, spec checkers.Spec, q checkers.HistoryQuery) (checkers.History, error)
}

// Checker runs checks; *checkers.Service fits.
type Checker interface {
	Specs() []checkers.Spec
	Run(ctx context.Context, req checkers.Request) (checkers.Report, error)
}

// Analyses reads analyses; *intelligence.Reader fits.
type Analyses interface {
	Runs(ctx context.Context, tenant string, f intelligence.Filter, p storage.Paging) (storage.Page[intelligence.AnalysisRun], error)
	Run(ctx context.Context, tenant string, analysis id.ID) (intelligence.AnalysisDetail, error)
}

// Providers keeps who is asked for analyses; *analysts.Service fits. Bad input is *analysts.Invalid; ref is an id or a name.
type Providers interface {
	// Kinds are what a provider can be, by name.
	Kinds() []providers.Spec
	List(ctx context.Context, tenant string) ([]analysts.Record, error)
	Get(ctx context.Context, tenant, ref string) (analysts.Record, error)
	Create(ctx context.Context, tenant string, in analysts.RecordInput) (analysts.Record, error)
	// Update returns analysts.ErrConflict when the provider has another version by now; so do the next two.
	Update(ctx context.Context, tenant, ref string, version int64, in analysts.RecordInput) (analysts.Record, error)
	Activate(ctx context.Context, tenant, ref string, version int64) (analysts.Record, error)
	Deactivate(ctx context.Context, tenant, ref string, version int64) (analysts.Record, error)
	Delete(ctx context.Context, tenant, ref string) error
}

// Spending tells what was asked of providers, and what that cost; *intelligence.Reader fits.
type Spending interface {
	Usage(ctx context.Context, tenant string, since time.Time) ([]intelligence.Usage, error)
}

// Tester asks a stored provider once, to see whether it works; internal/server has it. Settings that cannot be used are an error.
type Tester interface {
	Test(ctx context.Context, tenant, ref string) (intelligence.TestResult, error)
}

// Analyst analyses incidents; *intelligence.Service fits.
type Analyst interface {
	Analyze(ctx context.Context, r *intelligence.Request) (*intelligence.Analysis, error)
}

// Changes reads what was changed; *changes.Service fits.
type Changes interface {
	List(ctx context.Context, tenant string, f changes.Filter, p storage.Paging) (storage.Page[changes.Change], error)
	Before(ctx context.Context, tenant string, a changes.About) ([]changes.Recent, error)
}

// Preflights look at the hub's own setup; internal/server has them.
type Preflights interface {
	Run(ctx context.Context, tenant string, only []string, by string) (preflight.Run, error)
	List(ctx context.Context, tenant string, p storage.Paging) (storage.Page[preflight.Run], error)
}

// Acts is what a person can do to an incident; *orchestration.Acts fits. Doing what is done already is no error; refusals wrap
// event.ErrRefused.
type Acts interface {
	Acknowledge(ctx context.Context, tenant string, incident id.ID, by string) error
	Resolve(ctx context.Context, tenant string, incident id.ID, by, summary string) error
	Close(ctx context.Context, tenant string, incident id.ID, by string) error
	Reopen(ctx context.Context, tenant string, incident id.ID, by string) error
	Note(ctx context.Context, tenant string, incident id.ID, author, text string) error
}

// Deliveries reads deliveries and messages; *notify.Reader fits.
type Deliveries interface {
	Deliveries(ctx context.Context, tenant string, f notify.DeliveryFilter, p storage.Paging) (storage.Page[notify.DeliveryView], error)
	// Flow counts what became of the deliveries since a time, by steps.
	Flow(ctx context.Context, tenant string, f notify.DeliveryFilter, since time.Time, every time.Duration) (notify.Flow, error)
	// LastTold answers for a page of incidents at once: the newest delivery of each to each channel, by channel name.
	LastTold(ctx context.Context, tenant string, incidents []id.ID) (map[id.ID][]notify.DeliveryView, error)
	Message(ctx context.Context, tenant string, message id.ID) (notify.MessageView, error)
	Delivery(ctx context.Context, tenant string, delivery id.ID) (notify.DeliveryDetail, error)
}

// Resender sends again; *notify.Service fits. Refusals wrap event.ErrRefused. Without a channel it is the delivery's own.
type Resender interface {
	Resend(ctx context.Context, tenant string, delivery id.ID, channelRef, by string) (id.ID, error)
}

// Shows gives stored bodies as their receivers see them; *notify.Channels fits.
type Shows interface {
	Show(channel id.ID, body []byte) []channel.Shown
}

// Inbox shows the messages of the built-in channel; *notify.Inbox fits.
type Inbox interface {
	List(ctx context.Context, tenant string, f notify.InboxFilter, p storage.Paging) (storage.Page[notify.InboxMessage], error)
	Unread(ctx context.Context, tenant string) (int, error)
	MarkRead(ctx context.Context, tenant string, messages ...id.ID) (int, error)
	MarkAllRead(ctx context.Context, tenant string, upTo id.ID) (int, error)
}

// Channels keeps the channels; *notify.ChannelService fits. Bad input is *notify.Invalid; ref is an id or a name.
type Channels interface {
	List(ctx context.Context, tenant string) ([]notify.Channel, error)
	Get(ctx context.Context, tenant, ref string) (notify.Channel, error)
	Create(ctx context.Context, tenant string, in notify.ChannelInput) (notify.Channel, error)
	// Update returns notify.ErrConflict when the channel has another version by now.
	Update(ctx context.Context, tenant, ref string, version int64, in notify.ChannelInput) (notify.Channel, error)
	Delete(ctx context.Context, tenant, ref string) error
	// Failing are the active channels that tell nobody.
	Failing(ctx context.Context, tenant string) ([]notify.Channel, error)
}

// Silences keeps what nobody wants to hear of; *silences.Service fits. Bad input is *silences.Invalid, what is over wraps
// event.ErrRefused.
type Silences interface {
	List(ctx context.Context, tenant string, f silences.Filter, p storage.Paging) (storage.Page[silences.Silence], error)
	Get(ctx context.Context, tenant string, silence id.ID) (silences.Silence, error)
	Create(ctx context.Context, tenant string, in silences.Input, by string) (silences.Silence, error)
	// Update returns silences.ErrConflict when the silence has another version by now.
	Update(ctx context.Context, tenant string, silence id.ID, version int64, in silences.Input, by string) (silences.Silence, error)
	Expire(ctx context.Context, tenant string, silence id.ID, by string) (silences.Silence, error)
	// Preview says what an input would do; change is the silence that it would change, zero for a new one.
	Preview(ctx context.Context, tenant string, in silences.Input, change id.ID) (silences.Preview, error)
}

// Hand sends a test message, once, within the call; *notify.Hand fits. Settings that are of no use are *notify.Invalid.
type Hand interface {
	Test(ctx context.Context, tenant, ref string) (notify.SendResult, error)
}

// Previews shows what channels would send, and sends nothing; *notify.Previewer fits. What is wrong with the input is *notify.Invalid.
type Previews interface {
	Previews(ctx context.Context, tenant string, in notify.PreviewInput) ([]notify.Preview, error)
}

// Sources keeps the webhook entries; *sources.Service fits. Bad input is *sources.Invalid; ref is an id or a name.
type Sources interface {
	List(ctx context.Context, tenant string) ([]sources.Source, error)
	Get(ctx context.Context, tenant, ref string) (sources.Source, error)
	// Create returns the new source's key, which nobody can read again; so does RotateKey.
	Create(ctx context.Context, tenant string, in sources.Input) (sources.Source, string, error)
	// Update returns sources.ErrConflict when the source has another version by now.
	Update(ctx context.Context, tenant, ref string, version int64, in sources.Input) (sources.Source, error)
	RotateKey(ctx context.Context, tenant, ref string) (sources.Source, string, error)
	Delete(ctx context.Context, tenant, ref string) error
}

// Pipelines reads definitions; *orchestration.DefinitionService fits.
type Pipelines interface {
	List(ctx context.Context, tenant string, includeInactive bool) ([]orchestration.Definition, error)
	Get(ctx context.Context, tenant, ref string) (orchestration.Definition, error)
	Schedule(ctx context.Context, d orchestration.Definition) (*orchestration.Schedule, error)
}

// Samples sends the sample alert of a driver through the hub's own intake. Sample has the payloads.
type Samples interface {
	Send(ctx context.Context, tenant, driver string) (receipt id.ID, err error)
}

// Reprocess takes a stored receipt in again, as a new receipt.
type Reprocess interface {
	Reprocess(ctx context.Context, tenant string, receipt id.ID) (id.ID, error)
}

// Books tells what the hub's check of its own books found last; *ledger.Checker fits. It is asked on every page, so it must
// not count.
type Books interface {
	Last(ctx context.Context, tenant string) (ledger.Report, error)
}

// Ledger shows the books, line by line; *ledger.Reader fits.
type Ledger interface {
	Totals(ctx context.Context, tenant string) (ledger.Totals, error)
	Lines(ctx context.Context, tenant string, f ledger.LineFilter, p ledger.LinePaging) (storage.Page[ledger.Line], error)
}

// Sessions turns an access token into a browser's session and keeps it; *auth.Service fits.
type Sessions interface {
	// OpenSession returns auth.ErrUnauthorized or auth.ErrForbidden when the token does not open the UI.
	OpenSession(ctx context.Context, token string) (auth.Session, error)
	// LoadSession returns auth.ErrUnauthorized when the session is over.
	LoadSession(ctx context.Context, secret string) (auth.Session, error)
	EndSession(ctx context.Context, secret string) error
}

// Events tells what changes: incident, receipt, run, delivery, message, check, analysis; *pubsub.Broadcaster fits.
type Events interface {
	Subscribe(tenant string) (events <-chan pubsub.Event, cancel func())
}

// Queues tells what waits in the hub's queues; *queue.Viewer fits.
type Queues interface {
	View(ctx context.Context) (queue.View, error)
	Jobs(ctx context.Context, tenant, name string, f queue.Filter) (storage.Page[queue.Row], error)
	// Trouble is asked on every page, so it must not count.
	Trouble(ctx context.Context) (queue.Trouble, error)
}
