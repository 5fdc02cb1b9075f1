package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/period"
)

type channelPage struct {
	Frame
	Channel  notify.Channel // the zero value: a new one
	Kind     channel.Spec
	Kinds    []channel.Spec // to choose from for a new one
	About    []Field        // name and words
	Settings []Field        // the driver's
	Groups   []fieldGroup   // the driver's, which have a default and can wait
	Told     []Field        // of what it is told, how often, and who is told instead
	Tested   *channelTested
	Wrong    []string // what belongs to no field
	Bad      []Field  // what is wrong with fields
	Conflict bool
	Users    []string // active pipelines that name it
	Warnings []string // what to know after a change, in sentences
}

// New reports whether the page makes a channel.
func (p channelPage) New() bool { return p.Channel.ID.IsZero() }

// all are the page's fields in reading order.
func (p *channelPage) all() [][]Field {
	out := [][]Field{p.About, p.Settings}
	for _, g := range p.Groups {
		out = append(out, g.Fields)
	}
	return append(out, p.Told)
}

// channelForm is a channel with what was typed over it.
type channelForm struct {
	was    notify.Channel
	kind   channel.Spec
	stored map[string]any
	input  notify.ChannelInput
}

// aboutFields are the inputs that every channel has.
func aboutFields(in notify.ChannelInput, builtIn bool) []Field {
	return []Field{
		{
			ID: "name", Label: "Name", Kind: kindText, Value: in.Name, Max: 100, Required: true, Fixed: builtIn,
			Hint: "Pipelines name the channel by it; those that tell every channel use it at once.",
		},
		{ID: "description", Label: "Description", Kind: kindText, Value: in.Description, Max: 1000, Hint: "For people: who reads it, who runs it."},
	}
}

// toldFields are of what a channel is told, how often, and who is told instead: one of the others, which leave the hub.
func (w *Web) toldFields(form channelForm, others []notify.Channel) []Field {
	in := form.input
	out := []Field{
		{ID: "min_severity", Label: "Tell", Kind: kindChoice, Value: string(in.MinSeverity), Options: tellOptions},
		{
			ID: "renotify", Label: "Remind after", Kind: kindText, Value: period.Text(in.Renotify), Placeholder: "never", Max: 20, Usual: true,
			Suggest: []string{"30m", "1h", "4h", "1d"}, Hint: "While it still fires and nobody has acknowledged it: 30m, 4h or 1d after the last message. Empty: never.",
		},
	}
	if form.kind.Local {
		return out
	}
	options := []Option{{"", "Nobody"}}
	for _, c := range others {
		kind, known := w.kindOf(c.Driver)
		if c.ID == form.was.ID || known && kind.Local || !c.IsActive && c.ID.String() != in.Fallback {
			continue
		}
		name := c.Name
		if !c.IsActive {
			name += " (inactive)"
		}
		options = append(options, Option{c.ID.String(), name})
	}
	return append(out,
		Field{
			ID: "fallback.channel", Label: "If it cannot be told, tell", Kind: kindChoice, Value: in.Fallback, Options: options,
			Hint: "The message goes there when no try is left, and says why.",
		},
		Field{
			ID: "fallback.after", Label: "Or when it is not through after", Kind: kindText, Value: period.Text(in.FallbackAfter), Placeholder: "only when no try is left",
			Max: 20, Usual: true, Suggest: []string{"5m", "10m", "30m"}, Hint: "5m or 1h. Tries go on all the same.",
		}, messagesField(in.Throttle), perField(in.Throttle))
}

var tellOptions = []Option{
	{"", "Everything"},
	{string(event.SeverityInfo), "Info and worse"},
	{string(event.SeverityWarning), "Warning and worse"},
	{string(event.SeverityCritical), "Critical only"},
}

// tells says what a channel is told, in the words of its form.
func tells(least event.Severity) string {
	for _, o := range tellOptions {
		if o.Value == string(least) {
			return o.Name
		}
	}
	return string(least)
}

// makable are the kinds of channels that a person can make, those that most people want first; every hub has its one inbox.
func (w *Web) makable() []channel.Spec {
	out := slices.DeleteFunc(slices.Clone(w.Kinds), func(k channel.Spec) bool { return k.Name == notify.InboxName })
	slices.SortStableFunc(out, func(a, b channel.Spec) int { return cmp.Compare(last(a), last(b)) })
	return out
}

// last is 1 for kinds that tell nobody outside.
func last(k channel.Spec) int {
	if k.Name == "console" {
		return 1
	}
	return 0
}

// channelNew is the form for a new channel; ?driver= chooses its kind.
func (w *Web) channelNew(c *gin.Context) {
	for _, kind := range w.makable() {
		if driver := c.Query("driver"); driver == "" || driver == kind.Name {
			w.drawnChannel(c, channelForm{kind: kind, input: notify.ChannelInput{IsActive: true}})
			return
		}
	}
	w.failure(c, http.StatusNotFound, "Not found", "There is no channel of this kind.")
}

func (w *Web) channelCreate(c *gin.Context) {
	kind, ok := w.kindOf(c.PostForm("driver"))
	if !ok {
		w.failure(c, http.StatusNotFound, "Not found", "There is no channel of this kind.")
		return
	}
	form := channelForm{kind: kind, stored: map[string]any{}, input: notify.ChannelInput{Driver: kind.Name, IsActive: true}}
	w.saveChannel(c, form, func(in notify.ChannelInput) (notify.Channel, error) {
		return w.Channels.Create(c.Request.Context(), tenant(c), in)
	})
}

// loadChannel finds the channel of the address. Only ids are addresses: names change.
func (w *Web) loadChannel(c *gin.Context) (channelForm, error) {
	key, err := id.Parse(c.Param("id"))
	if err != nil {
		return channelForm{}, err
	}
	was, err := w.Channels.Get(c.Request.Context(), tenant(c), key.String())
	if err != nil {
		return channelForm{}, err
	}
	kind, _ := w.kindOf(was.Driver) // one that is not known has no settings to show
	return channelForm{was: was, kind: kind, stored: readSettings(was.Config.V), input: notify.InputOf(was)}, nil
}

func (w *Web) channelShow(c *gin.Context) {
	form, err := w.loadChannel(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	w.drawnChannel(c, form)
}

// drawnChannel shows the form of what is stored.
func (w *Web) drawnChannel(c *gin.Context, form channelForm) {
	page, err := w.drawChannel(c, form)
	if err != nil {
		w.fail(c, err)
		return
	}
	w.showChannel(c, http.StatusOK, page)
}

func (w *Web) channelSave(c *gin.Context) {
	form, err := w.loadChannel(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	w.saveChannel(c, form, func(in notify.ChannelInput) (notify.Channel, error) {
		return w.Channels.Update(c.Request.Context(), tenant(c), form.was.ID.String(), version(c), in)
	})
}

// version is the one that the form was drawn from. A form without one matches none.
func version(c *gin.Context) int64 {
	n, err := strconv.ParseInt(c.PostForm("version"), 10, 64)
	if err != nil || n <= 0 {
		return -1
	}
	return n
}

// saveChannel saves what was typed and leads back to the channel, or shows the form with what is wrong.
func (w *Web) saveChannel(c *gin.Context, form channelForm, save func(notify.ChannelInput) (notify.Channel, error)) {
	form.input.Description = c.PostForm("description")
	form.input.MinSeverity = event.Severity(c.PostForm("min_severity"))
	form.input.Renotify = period.Read(c.PostForm("renotify"))
	if !form.kind.Local {
		form.input.Fallback, form.input.FallbackAfter = c.PostForm("fallback.channel"), period.Read(c.PostForm("fallback.after"))
		form.input.Throttle = typedThrottle(c)
	}
	if !form.was.BuiltIn() {
		form.input.Name = c.PostForm("name")
	}
	var problems []notify.Problem
	if form.kind.Name != "" {
		config, err := channelSettings(form.kind).typed(form.stored, c)
		if err != nil {
			w.fail(c, err)
			return
		}
		form.input.Config = config
		for _, one := range channelSettings(form.kind).pairProblems(form.stored, c) {
			problems = append(problems, notify.Problem(one))
		}
	}
	err := error(&notify.Invalid{Problems: problems})
	if len(problems) == 0 {
		var saved notify.Channel
		if saved, err = save(form.input); err == nil {
			done := "saved"
			if form.was.ID.IsZero() {
				done = "made"
			} else if form.was.Name != saved.Name {
				done += "&was=" + url.QueryEscape(form.was.Name)
			}
			c.Redirect(http.StatusSeeOther, "/channels/"+saved.ID.String()+"?done="+done)
			return
		}
	}
	w.refuseChannel(c, form, err)
}

// refuseChannel shows the form as it was typed, each complaint beside its field.
func (w *Web) refuseChannel(c *gin.Context, form channelForm, err error) {
	var bad *notify.Invalid
	status := http.StatusUnprocessableEntity
	page, broken := w.drawChannel(c, form)
	if broken != nil {
		w.fail(c, broken)
		return
	}
	retype(page.Settings, form.stored, c)
	for i := range page.Groups {
		retype(page.Groups[i].Fields, form.stored, c)
	}
	for i := range page.Told {
		page.Told[i].Value = c.PostForm(page.Told[i].ID)
	}
	switch {
	case errors.As(err, &bad):
		for _, p := range bad.Problems {
			page.complain(complaint(p))
		}
	case errors.Is(err, notify.ErrExists):
		page.complain(complaint{Field: "name", Message: notify.ErrExists.Error()})
	case errors.Is(err, notify.ErrConflict):
		status, page.Conflict = http.StatusConflict, true
		stored, broken := w.drawChannel(c, channelForm{was: form.was, kind: form.kind, stored: form.stored, input: notify.InputOf(form.was)})
		if broken != nil {
			w.fail(c, broken)
			return
		}
		was := stored.all()
		for i, fields := range page.all() {
			differ(fields, was[i])
		}
	default:
		w.fail(c, err)
		return
	}
	page.Bad = wrongFields(page.all()...)
	for i, g := range page.Groups {
		page.Groups[i].Open = g.Open || slices.ContainsFunc(g.Fields, func(f Field) bool { return len(f.Wrong) > 0 || f.Stored != "" })
	}
	w.showChannel(c, status, page)
}

// complain puts a problem beside its field; one inside a map or a list beside that; any other above the form.
func (p *channelPage) complain(problem complaint) {
	for _, fields := range p.all() {
		if mend(fields, problem.Field, problem.Message) {
			return
		}
		part, inner, ok := strings.Cut(strings.TrimPrefix(problem.Field, settingPrefix), ".")
		if !ok {
			part, inner, ok = strings.Cut(part, "[")
			inner = "[" + inner
		}
		if ok && mend(fields, settingPrefix+part, inner+": "+problem.Message) {
			return
		}
	}
	p.Wrong = append(p.Wrong, sentence(fmt.Sprintf("%s: %s", problem.Field, problem.Message)))
}

// drawChannel makes the form of what is stored, with the plain parts of the input.
func (w *Web) drawChannel(c *gin.Context, form channelForm) (channelPage, error) {
	others, err := w.Channels.List(c.Request.Context(), tenant(c))
	if err != nil {
		return channelPage{}, err
	}
	page := channelPage{Channel: form.was, Kind: form.kind, Kinds: w.makable(), About: aboutFields(form.input, form.was.BuiltIn()), Told: w.toldFields(form, others)}
	page.Settings, page.Groups = channelFields(form.kind, form.stored)
	return page, nil
}

func (w *Web) showChannel(c *gin.Context, status int, page channelPage) {
	name := "Add a channel"
	if !page.New() {
		name = page.Channel.Name
		w.namedBy(c, &page)
	}
	page.Frame = w.frame(c, "channels", name, Crumb{"Channels", "/channels"})
	page.Here = "/channels/new?driver=" + page.Kind.Name
	if !page.New() {
		page.Here = "/channels/" + page.Channel.ID.String()
	}
	page.Toast = channelToast(c.Query("done"))
	w.page(c, status, "channel", page)
}

func channelToast(done string) *Toast {
	switch done {
	case "made":
		return &Toast{Text: "The channel is made. Pipelines that tell every channel use it at once.", Icon: "check", Tone: "ok"}
	case "saved":
		return &Toast{Text: "Saved. It holds for the next message.", Icon: "check", Tone: "ok"}
	case "on":
		return &Toast{Text: "Activated. It is told of what happens from now on.", Icon: "check", Tone: "ok"}
	case "off":
		return &Toast{Text: "Deactivated. It is told of nothing until it is activated.", Icon: "stop"}
	default:
		return nil
	}
}

// channelSwitch activates or deactivates a channel and changes nothing else.
func (w *Web) channelSwitch(c *gin.Context) {
	form, err := w.loadChannel(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	in := notify.InputOf(form.was)
	in.IsActive = c.PostForm("active") == "true"
	if _, err := w.Channels.Update(c.Request.Context(), tenant(c), form.was.ID.String(), version(c), in); err != nil {
		w.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/channels/"+form.was.ID.String()+"?done="+onOff(in.IsActive))
}

func onOff(active bool) string {
	if active {
		return "on"
	}
	return "off"
}

func (w *Web) channelDelete(c *gin.Context) {
	form, err := w.loadChannel(c)
	if err == nil {
		err = w.mayGo(c, form.was)
	}
	if err == nil {
		err = w.Channels.Delete(c.Request.Context(), tenant(c), form.was.ID.String())
	}
	if err != nil {
		w.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/channels?done=deleted")
}
