// Package web is the hub's UI: pages made on the server from embedded templates, one small stylesheet, and a little script
// that makes them quicker to use. It reads through small interfaces, which the domain apps fit, and writes nothing itself.
package web

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/auth"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/apps/orchestration"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
)

// Config is what the UI needs. All of it is required but Paused, Models, PublicURL, Clock and SecureCookies.
type Config struct {
	Incidents  Incidents
	Flow       Flow
	Deliveries Deliveries
	Resender   Resender
	Shows      Shows
	Inbox      Inbox
	Channels   Channels
	Silences   Silences
	Hand       Hand
	Previews   Previews
	Sources    Sources
	Pipelines  Pipelines
	Acts       Acts
	Samples    Samples
	Reprocess  Reprocess
	Books      Books
	Ledger     Ledger
	Why        Explainer
	Sessions   Sessions
	Events     Events
	Queues     Queues
	Checks     Checks
	Checker    Checker
	Analyses   Analyses
	Analyst    Analyst
	Providers  Providers
	Spending   Spending
	Tester     Tester
	Changes    Changes
	Preflights Preflights
	// Kinds describe the channel drivers, for their forms.
	Kinds []channel.Spec
	// Draw places a stored definition for a picture, nil for one that cannot be read.
	Draw func(config json.RawMessage) *orchestration.Drawing
	Log  *slog.Logger
	// Paused tells until when this process leaves a provider alone, and the class of the errors that are the reason; zero: it does not.
	// Nil: nobody knows.
	Paused func(tenant, provider string) (until time.Time, class string)
	// Models are the names of models that are known of a kind of provider, to choose from; nil: none.
	Models func(kind string) []string
	// PublicURL is where senders reach the hub, e.g. https://hub.example.org; "" shows the address of the page instead.
	PublicURL string
	// SecureCookies marks cookies for https only. Set it when browsers reach the hub by TLS, here or at a proxy.
	SecureCookies bool
	Clock         clock.Clock // nil: the system's
}

func (c *Config) check() error {
	for _, part := range []struct {
		name string
		set  bool
	}{
		{"Incidents", c.Incidents != nil},
		{"Flow", c.Flow != nil},
		{"Deliveries", c.Deliveries != nil},
		{"Resender", c.Resender != nil},
		{"Shows", c.Shows != nil},
		{"Inbox", c.Inbox != nil},
		{"Channels", c.Channels != nil},
		{"Silences", c.Silences != nil},
		{"Hand", c.Hand != nil},
		{"Previews", c.Previews != nil},
		{"Sources", c.Sources != nil},
		{"Pipelines", c.Pipelines != nil},
		{"Acts", c.Acts != nil},
		{"Samples", c.Samples != nil},
		{"Reprocess", c.Reprocess != nil},
		{"Books", c.Books != nil},
		{"Ledger", c.Ledger != nil},
		{"Why", c.Why != nil},
		{"Sessions", c.Sessions != nil},
		{"Events", c.Events != nil},
		{"Queues", c.Queues != nil},
		{"Checks", c.Checks != nil},
		{"Checker", c.Checker != nil},
		{"Analyses", c.Analyses != nil},
		{"Analyst", c.Analyst != nil},
		{"Providers", c.Providers != nil},
		{"Spending", c.Spending != nil},
		{"Tester", c.Tester != nil},
		{"Changes", c.Changes != nil},
		{"Preflights", c.Preflights != nil},
		{"Kinds", len(c.Kinds) > 0},
		{"Draw", c.Draw != nil},
		{"Log", c.Log != nil},
	} {
		if !part.set {
			return errors.New("web: " + part.name + " is required")
		}
	}
	return nil
}

// Web serves the pages. It is safe for concurrent use.
type Web struct {
	Config
	assets *assets
	views  *views
	origin *http.CrossOriginProtection
}

// New checks that every part is there. It starts nothing.
func New(c Config) (*Web, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Clock == nil {
		c.Clock = clock.System()
	}
	c.Log = c.Log.With("app", "web")
	a, err := loadAssets(files)
	if err != nil {
		return nil, err
	}
	return &Web{Config: c, assets: a, views: newViews(files, a, c.Clock), origin: http.NewCrossOriginProtection()}, nil
}

// Register adds the pages to the engine. What the engine already serves stays as it is.
func (w *Web) Register(engine *gin.Engine) {
	public := engine.Group("/", w.headers, w.csrf)
	public.GET("/static/*path", w.assetShow)
	public.HEAD("/static/*path", w.assetShow)
	public.GET("/favicon.ico", w.faviconShow)
	public.GET("/login", w.loginShow)
	public.POST("/login", w.loginPost)
	public.POST("/theme", w.themeSet)

	in := public.Group("/", w.signedIn)
	in.POST("/logout", w.logout)
	in.GET("/", w.home)
	in.GET("/events", w.eventsStream)
	in.GET("/health-line", w.healthLine)
	in.GET("/welcome", w.welcomeShow)
	in.POST("/samples/:driver", w.may(auth.ScopeEdit), w.sampleSend)
	in.GET("/incidents", w.incidentsList)
	in.GET("/incidents/changes", w.incidentsChanges)
	in.GET("/incidents/:id", w.incidentShow)
	in.GET("/incidents/:id/row", w.incidentRow)
	in.POST("/incidents/:id/:act", w.may(auth.ScopeRespond), w.incidentAct)
	in.GET("/runs", w.runsList)
	in.GET("/runs/:id", w.runShow)
	in.GET("/inbox", w.inboxList)
	in.GET("/inbox/:id", w.inboxShow)
	in.POST("/inbox/read", w.may(auth.ScopeRespond), w.inboxReadAll)
	in.GET("/receipts", w.receiptsList)
	in.GET("/receipts/:id", w.receiptShow)
	in.GET("/receipts/:id/raw", w.receiptRaw)
	in.POST("/receipts/:id/reprocess", w.may(auth.ScopeEdit), w.receiptReprocess)
	in.GET("/deliveries", w.deliveriesList)
	in.GET("/deliveries/:id", w.deliveryShow)
	in.GET("/deliveries/:id/parts/:n", w.deliveryPart)
	in.POST("/deliveries/:id/resend", w.may(auth.ScopeRespond), w.deliveryResend)
	in.GET("/checks", w.checksList)
	in.POST("/checks/run", w.may(auth.ScopeRespond), w.checksRun)
	in.GET("/checks/:checker", w.checkShow)
	in.GET("/analyses/:id", w.analysisShow)
	in.GET("/changes", w.changesList)
	in.GET("/preflight", w.preflightShow)
	in.POST("/preflight", w.may(auth.ScopeEdit), w.preflightRun)
	in.GET("/queues", w.queuesList)
	in.GET("/queues/:queue", w.queueShow)
	in.GET("/ledger", w.ledgerShow)
	in.GET("/silences", w.silencesList)
	in.GET("/silences/new", w.silenceNew)
	in.POST("/silences", w.may(auth.ScopeRespond), w.silenceCreate)
	in.GET("/silences/:id", w.silenceShow)
	in.POST("/silences/:id", w.may(auth.ScopeRespond), w.silenceSave)
	in.POST("/silences/:id/expire", w.may(auth.ScopeRespond), w.silenceExpire)
	in.GET("/why/:id", w.whyShow)
	in.GET("/pipelines", w.pipelinesList)
	in.GET("/pipelines/:id", w.pipelineShow)
	in.GET("/channels", w.channelsList)
	in.GET("/channels/new", w.channelNew)
	in.GET(previewPath, w.channelPreview)
	in.POST(previewPath, w.channelPreviewPasted)
	in.GET(previewFrame, w.channelPreviewHTML)
	in.POST(previewFrame, w.channelPreviewDrawn)
	in.POST("/channels/:id/preview", w.may(auth.ScopeEdit), w.channelPreviewTyped)
	in.POST("/channels", w.may(auth.ScopeEdit), w.channelCreate)
	in.GET("/channels/:id", w.channelShow)
	in.POST("/channels/:id", w.may(auth.ScopeEdit), w.channelSave)
	in.POST("/channels/:id/test", w.may(auth.ScopeEdit), w.channelTest)
	in.POST("/channels/:id/switch", w.may(auth.ScopeEdit), w.channelSwitch)
	in.POST("/channels/:id/delete", w.may(auth.ScopeEdit), w.channelDelete)
	in.GET("/providers", w.providersList)
	in.GET("/providers/new", w.providerNew)
	in.POST("/providers", w.may(auth.ScopeEdit), w.providerCreate)
	in.GET("/providers/:id", w.providerShow)
	in.POST("/providers/:id", w.may(auth.ScopeEdit), w.providerSave)
	in.POST("/providers/:id/switch", w.may(auth.ScopeEdit), w.providerSwitch)
	in.POST("/providers/:id/test", w.may(auth.ScopeEdit), w.providerTest)
	in.POST("/providers/:id/delete", w.may(auth.ScopeEdit), w.providerDelete)
	in.GET("/sources", w.sourcesList)
	in.GET("/sources/connect", w.connectShow)
	in.POST("/sources/connect", w.may(auth.ScopeEdit), w.connectPost)
	in.GET("/sources/:id", w.sourceShow)
	in.POST("/sources/:id", w.may(auth.ScopeEdit), w.sourceSave)
	in.POST("/sources/:id/switch", w.may(auth.ScopeEdit), w.sourceSwitch)
	in.POST("/sources/:id/key", w.may(auth.ScopeEdit), w.sourceKey)
	in.POST("/sources/:id/delete", w.may(auth.ScopeEdit), w.sourceDelete)
}
