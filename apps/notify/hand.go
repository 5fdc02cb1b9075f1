package notify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/clock"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/settings"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
	"github.com/incidenthub/incidenthub/internal/platform/trace"
)

// handSlots is how many attempts by hand are under way at once.
const handSlots = 16

// Hand tells by hand: tests of channels, and messages that callers write. Each is one attempt within the call, recorded like every
// delivery and never tried again. It is safe for concurrent use. Callers check permissions: edit for both, since both speak to others.
type Hand struct {
	db       *storage.DB
	clock    clock.Clock
	log      *slog.Logger
	admin    *ChannelService
	channels *Channels
	notices  *Notices
	changed  func(tenant, kind string, i id.ID)
	slots    chan struct{}
	health   *health
}

func newHand(c Config, log *slog.Logger, h *health) *Hand {
	return &Hand{
		db: c.DB, clock: c.Clock, log: log, admin: c.Admin, channels: c.Channels, notices: c.Notices, changed: c.Changed,
		slots: make(chan struct{}, handSlots), health: h,
	}
}

// SendInput is a message that a caller wrote.
type SendInput struct {
	Title    string
	Message  string
	Severity string // critical, warning, info or success; anything else is info
	Driver   string
	Channel  string // what the message says where it goes to, when no stored channel is used
	Tags     map[string]string
	Context  map[string]any
	// Config are a driver's settings for this message alone. They are checked like those of a channel, templates in them are left out,
	// and nothing of them is stored.
	Config json.RawMessage
	// Target is a channel's name or a driver's; "" is Driver. Nothing at all is the first active channel.
	Target string
}

// SendResult is what became of one attempt.
type SendResult struct {
	Success    bool
	Driver     string // its name
	Channel    string // the channel's name; the driver's when no stored channel was used
	MessageID  string // the receiver's own id, else the message's
	Error      string // "" on success
	Remark     string // what went wrong with the message and did not keep it back, such as a template that failed
	Off        string // why nothing was sent at all, though nothing failed: the channel's settings say so
	DeliveryID id.ID
	Result     channel.Result
}

// errNoAdmin is a slip of whoever wired the service.
var errNoAdmin = errors.New("notify: nothing can be sent by hand without Admin")

// Test sends a test message to a channel, by id or name, active or not. Settings that are of no use are *Invalid; a message that did not
// get through is no error but a result without Success.
func (h *Hand) Test(ctx context.Context, tenant, ref string) (SendResult, error) {
	if h.admin == nil {
		return SendResult{}, errNoAdmin
	}
	c, err := h.admin.Get(ctx, tenant, ref)
	if err != nil {
		return SendResult{}, err
	}
	was, err := h.admin.stored(ctx, c)
	if err != nil {
		return SendResult{}, fmt.Errorf("test channel %q: %w", c.Name, err)
	}
	spec, open, err := h.admin.open(c, was.Secrets)
	if err != nil {
		return SendResult{}, unusable(err)
	}
	ctx, traceID := trace.Ensure(ctx)
	n := h.notices.Build(NoticeInput{Kind: channel.KindTest, At: h.clock.Now(), TraceID: traceID, Channel: c.Name})
	return h.attempt(ctx, &handed{
		tenant: tenant, live: &Live{ID: c.ID, Tenant: tenant, Name: c.Name, Driver: c.Driver, Spec: spec, Channel: open, Off: h.admin.off(c.Driver, c.Config.V)}, notice: n, cause: causeTest,
	})
}

// unusable turns complaints about stored settings into *Invalid.
func unusable(err error) error {
	if bad := (*Invalid)(nil); errors.As(err, &bad) || len(settings.KeyErrors(err)) == 0 {
		return err
	}
	return &Invalid{Problems: configProblems(settings.Complaints(err))}
}

// Send sends a message that a caller wrote. The error for an unknown driver is that of Drivers, bad settings and a missing title or
// message are *Invalid; a message that did not get through is no error but a result without Success.
func (h *Hand) Send(ctx context.Context, tenant string, in SendInput) (SendResult, error) {
	if h.admin == nil {
		return SendResult{}, errNoAdmin
	}
	live, label, err := h.choose(tenant, in)
	if err != nil {
		return SendResult{}, err
	}
	if p := in.problems(); len(p) > 0 {
		return SendResult{}, &Invalid{Problems: p}
	}
	ctx, traceID := trace.Ensure(ctx)
	n := h.written(in)
	n.TraceID, n.Channel, n.Tags[tagTrace] = traceID, label, traceID
	return h.attempt(ctx, &handed{tenant: tenant, live: live, notice: n, cause: causeSent, label: label})
}

// problems are what the message lacks.
func (in SendInput) problems() []Problem {
	var p []Problem
	if strings.TrimSpace(in.Title) == "" {
		p = append(p, Problem{"title", "say in a line what it is about"})
	}
	if strings.TrimSpace(in.Message) == "" {
		p = append(p, Problem{"message", "say what there is to say"})
	}
	return p
}

// defaultDriver sends what names nobody, when there is no active channel.
const defaultDriver = "generic"

// choose picks where to: the active channel of that name; without a name the first active one; else a driver, with settings of the
// request. label is what the message calls its destination.
func (h *Hand) choose(tenant string, in SendInput) (live *Live, label string, err error) {
	name := cmp.Or(strings.TrimSpace(in.Target), strings.TrimSpace(in.Driver))
	active := h.channels.Active(tenant)
	for _, l := range active {
		if l.Name == name || name == "" {
			return l, l.Name, nil
		}
	}
	driver := cmp.Or(name, defaultDriver)
	d, err := h.admin.drivers.Driver(driver)
	if err != nil {
		return nil, "", err
	}
	given := in.Config
	if len(given) == 0 {
		given = json.RawMessage(`{}`)
	}
	plain, ok := settings.Read(given)
	if !ok {
		return nil, "", &Invalid{Problems: []Problem{{"config", "must be a JSON object"}}}
	}
	withoutTemplates(plain, d.Spec())
	label, _ = plain["channel"].(string)
	if own := strings.TrimSpace(in.Channel); own != "" { // what the message says wins over its settings
		label = own
		if slices.ContainsFunc(d.Spec().Fields(), func(f channel.Field) bool { return f.Key == "channel" }) {
			plain["channel"] = own
		}
	}
	label = cmp.Or(label, "default")
	if given, err = settings.Encode(plain); err != nil {
		return nil, "", &Invalid{Problems: []Problem{{"config", "cannot be written as JSON"}}}
	}
	set, bad := h.admin.settle(driver, given, settings.Stored{})
	if err := invalid(bad); err != nil {
		return nil, "", err
	}
	open, err := d.New(set.Full)
	if err != nil {
		return nil, "", unusable(err)
	}
	return &Live{Tenant: tenant, Driver: driver, Spec: d.Spec(), Channel: open, Off: h.admin.off(driver, set.Full)}, line(label, maxValue), nil
}

// withoutTemplates takes the templates out of settings that came with a message: only those of stored channels count.
func withoutTemplates(config map[string]any, spec channel.Spec) {
	for _, f := range spec.Fields() {
		if f.Type == channel.FieldTemplate {
			delete(config, f.Key)
		}
	}
	for _, key := range []string{"template", "text_template", "payload_template", "html_template"} {
		delete(config, key)
	}
}

// Limits of a message by hand, in characters and bytes. What is longer is cut where everybody can see it.
const (
	maxMessage = 64 << 10
	maxContext = 256 << 10
	maxTags    = 50
)

// written makes the notice of a message that a caller wrote. Text from outside stays text: secrets that the hub knows are taken out, and
// marks that reorder or hide are shown as they are.
func (h *Hand) written(in SendInput) channel.Notice {
	n := channel.Notice{
		Kind: channel.KindSent, Title: line(h.notices.redact.Text(in.Title), maxTitle), Text: paragraphs(h.notices.redact.Text(in.Message)),
		Severity: severityWord(in.Severity), At: h.clock.Now(), Tags: map[string]string{},
	}
	tags, _ := h.notices.pairsWithout(in.Tags)
	for k, v := range tags {
		if len(n.Tags) < maxTags {
			n.Tags[line(k, maxValue)] = line(v, maxLine)
		}
	}
	n.Source, n.IncidentID = cmp.Or(n.Tags["source"], "api"), n.Tags["incident_id"]
	if len(in.Context) > 0 {
		var clean map[string]any
		if json.Unmarshal(h.notices.redact.Value(in.Context, maxContext), &clean) == nil {
			n.Context = clean
		}
	}
	return n
}

// paragraphs keeps the lines of a text.
func paragraphs(s string) string {
	all := strings.Split(strings.ReplaceAll(strings.TrimSpace(s), "\r\n", "\n"), "\n")
	for i := range all {
		all[i] = trace.Escape(strings.ReplaceAll(strings.TrimRight(all[i], " \t\r"), "\t", "    "))
	}
	return cut(strings.Join(all, "\n"), maxMessage)
}

func severityWord(s string) string {
	switch w := strings.ToLower(strings.TrimSpace(s)); w {
	case string(event.SeverityCritical), string(event.SeverityWarning), severitySuccess:
		return w
	default:
		return string(event.SeverityInfo)
	}
}
