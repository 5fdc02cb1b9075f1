package web

import (
	"cmp"
	"errors"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/sources"
	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// keyBlank stands where the key goes until there is one.
const keyBlank = "YOUR-KEY"

type connectPage struct {
	Frame
	Vendors []Vendor
	Vendor  Vendor
	URL     string
	Config  string
	Curl    string
	Source  string // the source that was made just now, "" for none
	// SourceID is its id, and Key its key, shown this once.
	SourceID id.ID
	Key      string
	Name     Field    // proposed for the source
	Wrong    []string // what does not concern the name
	Bad      []Field  // what does
}

func (w *Web) connectShow(c *gin.Context) {
	w.connect(c, c.DefaultQuery("driver", vendors[0].Driver), connected{})
}

// connectPost makes the source and shows its key, this once: the answer to the POST is the page.
func (w *Web) connectPost(c *gin.Context) {
	driver := c.PostForm("driver")
	if vendorOf(driver).Config == "" {
		w.fail(c, storage.ErrNotFound)
		return
	}
	name := cmp.Or(strings.TrimSpace(c.PostForm("name")), driver)
	made, key, err := w.Sources.Create(c.Request.Context(), tenant(c), sources.Input{Name: name, Driver: driver, IsActive: true})
	var bad *sources.Invalid
	switch {
	case errors.As(err, &bad):
		w.connect(c, driver, connected{name: name, wrong: bad.Problems})
	case errors.Is(err, sources.ErrExists):
		w.connect(c, driver, connected{name: name, wrong: []sources.Problem{{Field: "name", Message: sources.ErrExists.Error()}}})
	case err != nil:
		w.fail(c, err)
	default:
		w.connect(c, driver, connected{name: name, source: made, key: key})
	}
}

// connected is what became of the form.
type connected struct {
	name, key string
	source    sources.Source
	wrong     []sources.Problem
}

func (w *Web) connect(c *gin.Context, driver string, done connected) {
	v := vendorOf(driver)
	if v.Config == "" {
		w.fail(c, storage.ErrNotFound)
		return
	}
	sample, err := Sample(driver, w.Clock.Now())
	if err != nil {
		w.fail(c, err)
		return
	}
	page := connectPage{
		Frame:   w.frame(c, "sources", "Connect a source", Crumb{"Sources", "/sources"}),
		Vendors: vendors, Vendor: v, URL: w.base(c) + "/alerts/webhook/" + driver + "/",
		Source: done.source.Name, SourceID: done.source.ID, Key: done.key,
		Name: Field{ID: "name", Label: "Name", Kind: kindText, Value: cmp.Or(done.name, driver), Max: 64, Required: true, Hint: "Letters, digits, dots, underscores and hyphens."},
	}
	name := []Field{page.Name}
	for _, p := range done.wrong {
		if !mend(name, p.Field, p.Message) {
			page.Wrong = append(page.Wrong, sentence(p.Field+": "+p.Message))
		}
	}
	page.Bad = wrongFields(name)
	page.Name = name[0]
	page.Here = "/sources/connect?driver=" + driver
	shown := cmp.Or(done.key, keyBlank)
	page.Config = strings.NewReplacer("{{url}}", page.URL, "{{key}}", shown, "{{payload}}", payload(driver)).Replace(v.Config)
	page.Curl = curl(page.URL, shown, sample)
	status := http.StatusOK
	if len(done.wrong) > 0 {
		status = http.StatusUnprocessableEntity
	}
	w.page(c, status, "connect", page)
}

// payload is the template that a vendor fills in, "" for those that need none. docs and the driver's README have the same text; a
// test holds them to that.
func payload(driver string) string {
	text, err := files.ReadFile("payloads/" + driver + ".json")
	if err != nil {
		return ""
	}
	return string(text)
}

// curl is a command for any POSIX shell; the here-document keeps quotes in the payload harmless.
func curl(url, key string, body []byte) string {
	return "curl -sS " + url + " \\\n  -H 'Authorization: Bearer " + key + "' \\\n  -H 'Content-Type: application/json' \\\n  -d @- <<'JSON'\n" +
		strings.TrimSpace(string(body)) + "\nJSON"
}
