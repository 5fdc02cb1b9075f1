package web

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/secret"
)

type sourcePage struct {
	Frame
	Source   sources.Source
	Vendor   Vendor
	URL      string // where its senders post
	Key      string // a new one, shown this once
	Fields   []Field
	Signing  []Field // how its senders sign, which most do not
	Unfold   bool    // Signing is shown
	Wrong    []string
	Bad      []Field // what is wrong with fields
	Conflict bool
}

// Names of the inputs that are not called as their field of sources.Problem.
const (
	fieldGrouping  = "group_by"
	fieldLabels    = "labels"
	fieldScheme    = "signature"
	fieldTimestamp = "timestamp_header"
	fieldSecret    = "signature_secret"
	fieldPrevious  = "signature_previous"
)

// How alerts become incidents, as the form says it.
const (
	groupHub    = ""
	groupVendor = "vendor"
	groupLabels = "labels"
)

var (
	groupOptions = []Option{
		{groupHub, "By name and instance (the hub's rule)"}, {groupVendor, "By the sender's own group key"}, {groupLabels, "By labels"},
	}
	schemeOptions = []Option{
		{string(sources.SchemeNone), "Not signed: the key alone counts"},
		{string(sources.SchemeGrafana), "Grafana"},
		{string(sources.SchemePagerDuty), "PagerDuty"},
		{string(sources.SchemeNewRelic), "New Relic"},
		{string(sources.SchemeGeneric), "Generic (X-Webhook-Signature)"},
	}
)

func driverOptions(now string) []Option {
	out := []Option{{"", "Told by the shape of each body"}}
	known := now == ""
	for _, v := range vendors {
		out = append(out, Option{v.Driver, v.Name})
		known = known || v.Driver == now
	}
	if !known {
		out = append(out, Option{now, now})
	}
	return out
}

// sourceFields are the inputs of an entry. labels stands for in's, which the form keeps while another grouping is chosen.
func sourceFields(in sources.Input, labels string) (plain []Field) {
	grouping := groupHub
	switch {
	case in.GroupBy.Vendor:
		grouping = groupVendor
	case len(in.GroupBy.Labels) > 0:
		grouping = groupLabels
	}
	return []Field{
		{ID: "name", Label: "Name", Kind: kindText, Value: in.Name, Max: 64, Required: true, Hint: "Letters, digits, dots, underscores and hyphens. Receipts and pipelines name the source by it."},
		{ID: "driver", Label: "Reads", Kind: kindChoice, Value: in.Driver, Options: driverOptions(in.Driver), Hint: "The tool that sends here. An address that ends with a tool's name wins over it."},
		{ID: "description", Label: "Description", Kind: kindText, Value: in.Description, Max: 1000, Hint: "For people: which cluster, which team."},
		{
			ID: "source_name", Label: "Source of its alerts", Kind: kindText, Value: in.SourceName, Max: 100,
			Hint: "Takes the place of the tool's name in the identity of alerts, so that two of one tool are told apart.",
		},
		{ID: fieldGrouping, Label: "One incident", Kind: kindChoice, Value: grouping, Options: groupOptions, Hint: "What makes one incident of several alerts. It holds for new incidents."},
		{ID: fieldLabels, Label: "Labels to group by", Kind: kindArea, Value: labels, Mono: true, Hint: "One on each line, at most ten; used when alerts are grouped by labels."},
	}
}

func signingFields(in sources.Input, src sources.Source) []Field {
	return []Field{
		{ID: fieldScheme, Label: "Signed as by", Kind: kindChoice, Value: string(in.Signature.Scheme), Options: schemeOptions, Hint: "With a scheme, only posts that are signed are taken. Without one the stored secrets go."},
		{ID: fieldTimestamp, Label: "Header with the signed time", Kind: kindText, Value: in.Signature.TimestampHeader, Mono: true, Max: 64, Hint: "Grafana only, if it is set up to sign the time."},
		{ID: fieldSecret, Label: "Secret", Kind: kindSecret, Configured: src.SignatureConfigured, Hint: "What the sender signs with. A new one leaves the stored one valid beside it."},
		{ID: fieldPrevious, Label: "Previous secret", Kind: kindSecret, Configured: src.PreviousConfigured, Clear: src.PreviousConfigured, Hint: "Valid, too, while senders change over."},
	}
}

// loadSource finds the entry of the address. Only ids are addresses: names change.
func (w *Web) loadSource(c *gin.Context) (sources.Source, error) {
	key, err := id.Parse(c.Param("id"))
	if err != nil {
		return sources.Source{}, err
	}
	return w.Sources.Get(c.Request.Context(), tenant(c), key.String())
}

func (w *Web) sourceShow(c *gin.Context) {
	src, err := w.loadSource(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	w.showSource(c, http.StatusOK, drawSource(src, sources.InputOf(src), strings.Join(src.GroupBy.V.Labels, "\n")))
}

func drawSource(src sources.Source, in sources.Input, labels string) sourcePage {
	return sourcePage{
		Source: src, Fields: sourceFields(in, labels), Signing: signingFields(in, src), Unfold: in.Signature.Scheme != sources.SchemeNone,
	}
}

// sourceTyped brings what was typed over the stored entry. Empty secrets are kept.
func sourceTyped(c *gin.Context, src sources.Source) (in sources.Input, labels string) {
	in = sources.InputOf(src)
	in.Name, in.Driver, in.SourceName, in.Description = c.PostForm("name"), c.PostForm("driver"), c.PostForm("source_name"), c.PostForm("description")
	labels = strings.ReplaceAll(c.PostForm(fieldLabels), "\r\n", "\n")
	in.GroupBy = sources.GroupBy{Vendor: c.PostForm(fieldGrouping) == groupVendor}
	if c.PostForm(fieldGrouping) == groupLabels {
		for line := range strings.SplitSeq(labels, "\n") {
			if line = strings.TrimSpace(line); line != "" {
				in.GroupBy.Labels = append(in.GroupBy.Labels, line)
			}
		}
	}
	in.Signature = sources.Signature{Scheme: sources.Scheme(c.PostForm(fieldScheme)), TimestampHeader: strings.TrimSpace(c.PostForm(fieldTimestamp))}
	in.SignatureSecret, in.SignaturePrevious = secretTyped(c, fieldSecret), secretTyped(c, fieldPrevious)
	return in, labels
}

// secretTyped is nil for a secret that stays as it is, and unset for one that is to go.
func secretTyped(c *gin.Context, name string) *secret.String {
	if c.PostForm(name+partRemove) != "" {
		return &secret.String{}
	}
	typed := c.PostForm(name)
	if typed == "" {
		return nil
	}
	v := secret.NewString(typed)
	return &v
}

func (w *Web) sourceSave(c *gin.Context) {
	src, err := w.loadSource(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	in, labels := sourceTyped(c, src)
	var bad *sources.Invalid
	if c.PostForm(fieldGrouping) == groupLabels && len(in.GroupBy.Labels) == 0 {
		err = &sources.Invalid{Problems: []sources.Problem{{Field: fieldLabels, Message: "name at least one label, or choose another grouping"}}}
	} else {
		_, err = w.Sources.Update(c.Request.Context(), tenant(c), src.ID.String(), version(c), in)
	}
	if err == nil {
		c.Redirect(http.StatusSeeOther, "/sources/"+src.ID.String()+"?done=saved")
		return
	}
	status, page := http.StatusUnprocessableEntity, drawSource(src, in, labels)
	page.retype(c)
	switch {
	case errors.As(err, &bad):
		for _, p := range bad.Problems {
			page.complain(p)
		}
	case errors.Is(err, sources.ErrExists):
		page.complain(sources.Problem{Field: "name", Message: sources.ErrExists.Error()})
	case errors.Is(err, sources.ErrConflict):
		status, page.Conflict = http.StatusConflict, true
		stored := drawSource(src, sources.InputOf(src), strings.Join(src.GroupBy.V.Labels, "\n"))
		differ(page.Fields, stored.Fields)
		differ(page.Signing, stored.Signing)
	default:
		w.fail(c, err)
		return
	}
	page.Bad = wrongFields(page.Fields, page.Signing)
	page.Unfold = page.Unfold || slices.ContainsFunc(page.Signing, func(f Field) bool { return len(f.Wrong) > 0 })
	w.showSource(c, status, page)
}

// retype keeps the grouping that was chosen, and says which secrets must be typed again.
func (p *sourcePage) retype(c *gin.Context) {
	for i := range p.Fields {
		if p.Fields[i].ID == fieldGrouping {
			p.Fields[i].Value = c.PostForm(fieldGrouping)
		}
	}
	for i := range p.Signing {
		f := &p.Signing[i]
		f.Remove = c.PostForm(f.ID+partRemove) != ""
		if f.Kind == kindSecret && c.PostForm(f.ID) != "" {
			f.Wrong = append(f.Wrong, typeAgain)
		}
	}
}

func (p *sourcePage) complain(problem sources.Problem) {
	field := problem.Field
	switch {
	case field == fieldGrouping: // the choice itself cannot be wrong
		field = fieldLabels
	case field == fieldScheme && strings.Contains(problem.Message, "timestamp header"):
		field = fieldTimestamp
	}
	if !mend(p.Fields, field, problem.Message) && !mend(p.Signing, field, problem.Message) {
		p.Wrong = append(p.Wrong, sentence(fmt.Sprintf("%s: %s", problem.Field, problem.Message)))
	}
}

func (w *Web) showSource(c *gin.Context, status int, page sourcePage) {
	page.Frame = w.frame(c, "sources", page.Source.Name, Crumb{"Sources", "/sources"})
	page.Here = "/sources/" + page.Source.ID.String()
	page.Vendor = vendorOf(page.Source.Driver)
	page.URL = w.base(c) + "/alerts/webhook/"
	if page.Source.Driver != "" {
		page.URL += page.Source.Driver + "/"
	}
	switch c.Query("done") {
	case "saved":
		page.Toast = &Toast{Text: "Saved. It holds for the next post.", Icon: "check", Tone: "ok"}
	case "on":
		page.Toast = &Toast{Text: "Activated. Its key opens the door again.", Icon: "check", Tone: "ok"}
	case "off":
		page.Toast = &Toast{Text: "Deactivated. Posts with its key are refused.", Icon: "stop"}
	}
	w.page(c, status, "source", page)
}

// sourceSwitch activates or deactivates an entry and changes nothing else.
func (w *Web) sourceSwitch(c *gin.Context) {
	src, err := w.loadSource(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	in := sources.InputOf(src)
	in.IsActive = c.PostForm("active") == "true"
	if _, err := w.Sources.Update(c.Request.Context(), tenant(c), src.ID.String(), version(c), in); err != nil {
		w.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/sources/"+src.ID.String()+"?done="+onOff(in.IsActive))
}

// sourceKey replaces the key and shows the new one, this once: the answer to the POST is the page.
func (w *Web) sourceKey(c *gin.Context) {
	src, err := w.loadSource(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	src, key, err := w.Sources.RotateKey(c.Request.Context(), tenant(c), src.ID.String())
	if err != nil {
		w.fail(c, err)
		return
	}
	page := drawSource(src, sources.InputOf(src), strings.Join(src.GroupBy.V.Labels, "\n"))
	page.Key = key
	w.showSource(c, http.StatusOK, page)
}

func (w *Web) sourceDelete(c *gin.Context) {
	src, err := w.loadSource(c)
	if err == nil {
		err = w.Sources.Delete(c.Request.Context(), tenant(c), src.ID.String())
	}
	if err != nil {
		w.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/sources?done=deleted")
}
