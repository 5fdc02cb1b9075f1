package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/analysts"
	"github.com/incidenthub/incidenthub/apps/intelligence"
)

// testTime bounds a test that a person waits for.
const testTime = 25 * time.Second

// tested is what came of a test, in words.
type tested struct {
	Tone, Icon string
	Head       string
	Text       string
	Class      string
}

// providerSwitch activates or deactivates a provider and changes nothing else.
func (w *Web) providerSwitch(c *gin.Context) {
	form, err := w.loadProvider(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	on := c.PostForm("active") == "true"
	change := w.Providers.Deactivate
	if on {
		change = w.Providers.Activate
	}
	_, err = change(c.Request.Context(), tenant(c), form.was.ID.String(), version(c))
	if bad := (*analysts.Invalid)(nil); errors.As(err, &bad) {
		w.refuseProvider(c, form, err)
		return
	}
	if err != nil {
		w.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/providers/"+form.was.ID.String()+"?done="+onOff(on))
}

func (w *Web) providerDelete(c *gin.Context) {
	form, err := w.loadProvider(c)
	if err == nil {
		err = w.Providers.Delete(c.Request.Context(), tenant(c), form.was.ID.String())
	}
	if err != nil {
		w.fail(c, err)
		return
	}
	c.Redirect(http.StatusSeeOther, "/providers?done=deleted")
}

// providerTest asks the provider as it is stored, and shows its page with what came of it.
func (w *Web) providerTest(c *gin.Context) {
	form, err := w.loadProvider(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	ctx, cancel := context.WithTimeout(c.Request.Context(), testTime)
	defer cancel()
	got, err := w.Tester.Test(ctx, tenant(c), form.was.ID.String())
	page := w.drawProvider(form)
	switch bad := (*analysts.Invalid)(nil); {
	case errors.As(err, &bad):
		page.Tested = &tested{"critical", "failed", "It cannot be asked", unusable(bad), ""}
	case err != nil:
		w.fail(c, err)
		return
	default:
		page.Tested = testWords(got, form.was.Model)
	}
	w.showProvider(c, http.StatusOK, page)
}

// unusable says what is wrong with stored settings.
func unusable(bad *analysts.Invalid) string {
	var out []string
	for _, p := range bad.Problems {
		out = append(out, sentence(p.Message))
	}
	return strings.Join(out, " ")
}

func testWords(r intelligence.TestResult, model string) *tested {
	after := span(time.Duration(r.LatencyMS) * time.Millisecond)
	if r.OK {
		return &tested{"ok", "ok", "It works", cmp.Or(r.Model, model, "It") + " answered in " + after + ".", ""}
	}
	return &tested{"critical", "failed", "It does not work", sentence(classWords(r.ErrorClass)) + " " + cmp.Or(statement(r.Hint), intelligence.Advice(r.ErrorClass)), r.ErrorClass + ", after " + after}
}

// statement ends with a full stop and begins with a capital, unless it begins with an address.
func statement(s string) string {
	if s == "" {
		return ""
	}
	if first, _, _ := strings.Cut(s, " "); strings.Contains(first, "://") {
		return strings.TrimSuffix(s, ".") + "."
	}
	return sentence(s)
}
