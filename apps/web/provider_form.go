package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/providers"
)

type providerPage struct {
	Frame
	Provider analysts.Record // the zero value: a new one
	Kind     providers.Spec
	Kinds    []providers.Spec // to choose from for a new one
	About    []Field
	Groups   []fieldGroup // the first is always shown
	Wrong    []string     // what belongs to no field
	Bad      []Field      // what is wrong with fields
	Conflict bool
	Receiver string // the host that questions go to
	Emails   bool   // mail addresses are taken out, too
	Tested   *tested
	Usage    *usageView // nil: nothing was asked of it
	Budgets  []budget
	Condition
}

// New reports whether the page makes a provider.
func (p providerPage) New() bool { return p.Provider.ID.IsZero() }

// all are the page's fields, those that complain about the settings last.
func (p *providerPage) all() [][]Field {
	out := [][]Field{p.About}
	for _, g := range p.Groups {
		out = append(out, g.Fields)
	}
	return out
}

// providerForm is a provider with what was typed over it.
type providerForm struct {
	was    analysts.Record
	kind   providers.Spec
	stored map[string]any
	input  analysts.RecordInput
}

func providerAbout(in analysts.RecordInput, isNew bool) []Field {
	out := []Field{
		{ID: "name", Label: "Name", Kind: kindText, Value: in.Name, Max: 100, Required: true, Hint: "What people, commands and the API call it. Pipelines ask the active one, or name a kind."},
		{ID: "description", Label: "Description", Kind: kindText, Value: in.Description, Max: 1000, Hint: "For people: whose account it is, who pays."},
	}
	if isNew {
		active := "false"
		if in.IsActive {
			active = "true"
		}
		out = append(out, Field{
			ID: "is_active", Label: "Ask it from now on", Kind: kindBool, Value: active,
			Hint: "Of all providers one is active. Leave it off to test this one first.",
		})
	}
	return out
}

// providerNew is the form for a new provider; ?kind= chooses what it is.
func (w *Web) providerNew(c *gin.Context) {
	for _, kind := range w.kindsOfProviders() {
		if name := c.Query("kind"); name == "" || name == kind.Name {
			form := providerForm{kind: kind}
			if _, err := w.Providers.Get(c.Request.Context(), tenant(c), kind.Name); err != nil {
				form.input.Name = kind.Name // it is free
			}
			w.showProvider(c, http.StatusOK, w.drawProvider(form))
			return
		}
	}
	w.failure(c, http.StatusNotFound, "Not found", "There is no provider of this kind.")
}

func (w *Web) providerCreate(c *gin.Context) {
	kind, ok := w.providerKind(c.PostForm("kind"))
	if !ok {
		w.failure(c, http.StatusNotFound, "Not found", "There is no provider of this kind.")
		return
	}
	form := providerForm{kind: kind, stored: map[string]any{}, input: analysts.RecordInput{Provider: kind.Name, IsActive: c.PostForm("is_active") != ""}}
	w.saveProvider(c, form, func(in analysts.RecordInput) (analysts.Record, error) {
		return w.Providers.Create(c.Request.Context(), tenant(c), in)
	})
}

// loadProvider finds the provider of the address. Only ids are addresses: names change.
func (w *Web) loadProvider(c *gin.Context) (providerForm, error) {
	key, err := id.Parse(c.Param("id"))
	if err != nil {
		return providerForm{}, err
	}
	was, err := w.Providers.Get(c.Request.Context(), tenant(c), key.String())
	if err != nil {
		return providerForm{}, err
	}
	kind, _ := w.providerKind(was.Provider)
	return providerForm{was: was, kind: kind, stored: readSettings(was.Config.V), input: analysts.InputOf(was)}, nil
}

func (w *Web) providerShow(c *gin.Context) {
	form, err := w.loadProvider(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	w.showProvider(c, http.StatusOK, w.drawProvider(form))
}

func (w *Web) providerSave(c *gin.Context) {
	form, err := w.loadProvider(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	w.saveProvider(c, form, func(in analysts.RecordInput) (analysts.Record, error) {
		return w.Providers.Update(c.Request.Context(), tenant(c), form.was.ID.String(), version(c), in)
	})
}

// saveProvider saves what was typed and leads back to the provider, or shows the form with what is wrong.
func (w *Web) saveProvider(c *gin.Context, form providerForm, save func(analysts.RecordInput) (analysts.Record, error)) {
	form.input.Name, form.input.Description = c.PostForm("name"), c.PostForm("description")
	var problems []analysts.Problem
	if len(form.kind.Fields) > 0 {
		config, err := providerSettings(form.kind).typed(form.stored, c)
		if err != nil {
			w.fail(c, err)
			return
		}
		form.input.Config = config
		for _, one := range providerSettings(form.kind).pairProblems(form.stored, c) {
			problems = append(problems, analysts.Problem(one))
		}
	}
	err := error(&analysts.Invalid{Problems: problems})
	if len(problems) == 0 {
		var saved analysts.Record
		if saved, err = save(form.input); err == nil {
			done := "saved"
			switch {
			case form.was.ID.IsZero() && saved.IsActive:
				done = "on"
			case form.was.ID.IsZero():
				done = "made"
			}
			c.Redirect(http.StatusSeeOther, "/providers/"+saved.ID.String()+"?done="+done)
			return
		}
	}
	w.refuseProvider(c, form, err)
}

// refuseProvider shows the form as it was typed, each complaint beside its field.
func (w *Web) refuseProvider(c *gin.Context, form providerForm, err error) {
	var bad *analysts.Invalid
	status, page := http.StatusUnprocessableEntity, w.drawProvider(form)
	for i := range page.Groups {
		retype(page.Groups[i].Fields, form.stored, c)
	}
	switch {
	case errors.As(err, &bad):
		for _, p := range bad.Problems {
			page.complain(complaint(p))
		}
	case errors.Is(err, analysts.ErrExists):
		page.complain(complaint{Field: "name", Message: analysts.ErrExists.Error()})
	case errors.Is(err, analysts.ErrConflict):
		status, page.Conflict = http.StatusConflict, true
		stored := w.drawProvider(providerForm{was: form.was, kind: form.kind, stored: form.stored, input: analysts.InputOf(form.was)})
		differ(page.About, stored.About)
		for i := range page.Groups {
			differ(page.Groups[i].Fields, stored.Groups[i].Fields)
		}
	default:
		w.fail(c, err)
		return
	}
	page.Bad = wrongFields(page.all()...)
	for i, g := range page.Groups {
		page.Groups[i].Open = g.Open || slices.ContainsFunc(g.Fields, func(f Field) bool { return len(f.Wrong) > 0 || f.Stored != "" })
	}
	w.showProvider(c, status, page)
}

// complain puts a problem beside its field; one inside a map beside the map; any other above the form.
func (p *providerPage) complain(problem complaint) {
	for _, fields := range p.all() {
		if mend(fields, problem.Field, problem.Message) {
			return
		}
		if part, inner, ok := strings.Cut(strings.TrimPrefix(problem.Field, settingPrefix), "."); ok && mend(fields, settingPrefix+part, inner+": "+problem.Message) {
			return
		}
	}
	p.Wrong = append(p.Wrong, sentence(fmt.Sprintf("%s: %s", problem.Field, problem.Message)))
}

// drawProvider makes the form of what is stored, with the plain parts of the input.
func (w *Web) drawProvider(form providerForm) providerPage {
	emails, _ := form.stored["redact_emails"].(bool)
	return providerPage{
		Provider: form.was, Kind: form.kind, Kinds: w.kindsOfProviders(), About: providerAbout(form.input, form.was.ID.IsZero()),
		Groups: w.groups(form.kind, form.stored), Receiver: receiver(form.kind, form.stored), Emails: emails,
	}
}

func (w *Web) showProvider(c *gin.Context, status int, page providerPage) {
	name := "Add a provider"
	if page.New() {
		page.Here = "/providers/new?kind=" + page.Kind.Name
	} else {
		name, page.Here = page.Provider.Name, "/providers/"+page.Provider.ID.String()
		if err := w.fareOf(c, &page); err != nil {
			w.fail(c, err)
			return
		}
	}
	here := page.Here
	page.Frame = w.frame(c, "providers", name, Crumb{"Providers", "/providers"})
	page.Here = here
	page.Toast = providerToast(c.Query("done"))
	w.page(c, status, "provider", page)
}

func providerToast(done string) *Toast {
	switch done {
	case "made":
		return &Toast{Text: "The provider is stored. Test it, then activate it.", Icon: "check", Tone: "ok"}
	case "saved":
		return &Toast{Text: "Saved. It holds for the next analysis.", Icon: "check", Tone: "ok"}
	case "on":
		return &Toast{Text: "Activated. It is asked from now on.", Icon: "check", Tone: "ok"}
	case "off":
		return &Toast{Text: "Deactivated. The local analyzer answers from now on.", Icon: "stop"}
	default:
		return nil
	}
}
