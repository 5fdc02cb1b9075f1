package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/event"
	"github.com/incidenthub/incidenthub/apps/notify"
	"github.com/incidenthub/incidenthub/apps/notify/channel"
	"github.com/incidenthub/incidenthub/internal/platform/id"
)

type channelPage struct {
	Frame
	Channel  notify.Channel // the zero value: a new one
	Kind     channel.Spec
	Kinds    []channel.Spec // to choose from for a new one
	About    []Field        // name, words, and what it is told
	Settings []Field        // the driver's
	More     []Field        // the driver's, which have a default and can wait
	Unfold   bool           // More is shown
	Wrong    []string       // what belongs to no field
	Bad      []Field        // what is wrong with fields
	Conflict bool
	Users    []string // active pipelines that name it
}

// New reports whether the page makes a channel.
func (p channelPage) New() bool { return p.Channel.ID.IsZero() }

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
		{ID: "min_severity", Label: "Tell", Kind: kindChoice, Value: string(in.MinSeverity), Options: tellOptions},
	}
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
			w.showChannel(c, http.StatusOK, w.drawChannel(channelForm{kind: kind, input: notify.ChannelInput{IsActive: true}}))
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
	page := w.drawChannel(form)
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
	status, page := http.StatusUnprocessableEntity, w.drawChannel(form)
	fields := slices.Concat(page.Settings, page.More)
	retype(fields, form.stored, c)
	page.Settings, page.More = fields[:len(page.Settings)], fields[len(page.Settings):]
	switch {
	case errors.As(err, &bad):
		for _, p := range bad.Problems {
			page.complain(complaint(p))
		}
	case errors.Is(err, notify.ErrExists):
		page.complain(complaint{Field: "name", Message: notify.ErrExists.Error()})
	case errors.Is(err, notify.ErrConflict):
		status, page.Conflict = http.StatusConflict, true
		stored := w.drawChannel(channelForm{was: form.was, kind: form.kind, stored: form.stored, input: notify.InputOf(form.was)})
		differ(page.About, stored.About)
		differ(page.Settings, stored.Settings)
		differ(page.More, stored.More)
	default:
		w.fail(c, err)
		return
	}
	page.Bad = wrongFields(page.About, page.Settings, page.More)
	page.Unfold = page.Unfold || slices.ContainsFunc(page.More, func(f Field) bool { return len(f.Wrong) > 0 })
	w.showChannel(c, status, page)
}

// complain puts a problem beside its field; one inside a map beside the map; any other above the form.
func (p *channelPage) complain(problem complaint) {
	id := problem.Field
	for _, fields := range [][]Field{p.About, p.Settings, p.More} {
		if mend(fields, id, problem.Message) {
			return
		}
		if part, inner, ok := strings.Cut(strings.TrimPrefix(id, settingPrefix), "."); ok && mend(fields, settingPrefix+part, inner+": "+problem.Message) {
			return
		}
	}
	p.Wrong = append(p.Wrong, sentence(fmt.Sprintf("%s: %s", problem.Field, problem.Message)))
}

// drawChannel makes the form of what is stored, with the plain parts of the input.
func (w *Web) drawChannel(form channelForm) channelPage {
	page := channelPage{
		Channel: form.was, Kind: form.kind, Kinds: w.makable(),
		About: aboutFields(form.input, form.was.BuiltIn()),
	}
	for _, f := range channelSettings(form.kind).inputs(form.stored) {
		if f.Required {
			page.Settings = append(page.Settings, f)
			continue
		}
		page.More = append(page.More, f)
		_, set := form.stored[strings.TrimPrefix(f.ID, settingPrefix)]
		page.Unfold = page.Unfold || set
	}
	if len(page.Settings) == 0 {
		page.Unfold = true
	}
	return page
}

func (w *Web) showChannel(c *gin.Context, status int, page channelPage) {
	name := "Add a channel"
	if !page.New() {
		name = page.Channel.Name
		page.Users = w.pipelinesTelling(c, page.Channel.Name)
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
		err = w.Channels.Delete(c.Request.Context(), tenant(c), form.was.ID.String())
	}
	if err != nil {
		w.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/channels?done=deleted")
}
