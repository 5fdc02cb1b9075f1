package web

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/internal/platform/id"
	"github.com/incidenthub/incidenthub/internal/platform/storage"
)

// maxNote bounds a note in bytes.
const maxNote = 10_000

// doneToast says what an act did.
func doneToast(act string) *Toast {
	switch act {
	case "acknowledge":
		return &Toast{Text: "Acknowledged", Icon: "eye", Tone: "info"}
	case "resolve":
		return &Toast{Text: "Resolved. Whoever was told of it is told of this.", Icon: "check", Tone: "ok"}
	case "close":
		return &Toast{Text: "Closed", Icon: "archive"}
	case "reopen":
		return &Toast{Text: "Opened again", Icon: "reopen"}
	case "note":
		return &Toast{Text: "Note added", Icon: "note"}
	case "analyze":
		return &Toast{Text: "Analysed", Icon: "intelligence", Tone: "ok"}
	case "reprocess":
		return &Toast{Text: "Taken in again", Icon: "retry", Tone: "ok"}
	default:
		return nil
	}
}

// actResult is what a list's row becomes after an act.
type actResult struct {
	Row   incidentRow
	Tabs  []tab
	Open  int64
	Toast *Toast
}

func (w *Web) incidentAct(c *gin.Context) {
	incident, err := id.Parse(c.Param("id"))
	if err != nil {
		w.fail(c, err)
		return
	}
	act := c.Param("act")
	if err := w.act(c, incident, act); err != nil {
		w.fail(c, err)
		return
	}
	switch {
	case c.GetHeader("HX-Request") == "":
		c.Redirect(http.StatusSeeOther, "/incidents/"+incident.String()+"?done="+act)
	case c.PostForm("from") == "list":
		w.rowAfter(c, act)
	default:
		page, err := w.incidentData(c)
		if err != nil {
			w.fail(c, err)
			return
		}
		page.Toast = doneToast(act)
		w.page(c, http.StatusOK, "incident", page)
	}
}

func (w *Web) act(c *gin.Context, incident id.ID, act string) error {
	who, ctx := session(c).Principal, c.Request.Context()
	switch act {
	case "acknowledge":
		return w.Acts.Acknowledge(ctx, who.Tenant, incident, who.Name)
	case "resolve":
		return w.Acts.Resolve(ctx, who.Tenant, incident, who.Name, "")
	case "close":
		return w.Acts.Close(ctx, who.Tenant, incident, who.Name)
	case "reopen":
		return w.Acts.Reopen(ctx, who.Tenant, incident, who.Name)
	case "note":
		text := strings.TrimSpace(strings.ReplaceAll(c.PostForm("text"), "\r\n", "\n"))
		switch {
		case text == "":
			return refused("The note is empty. Write something first.")
		case len(text) > maxNote:
			return refused("The note is too long. Shorten it.")
		}
		return w.Acts.Note(ctx, who.Tenant, incident, who.Name, text)
	case "analyze":
		return w.analyze(ctx, who.Tenant, incident)
	default:
		return fmt.Errorf("act %q: %w", act, storage.ErrNotFound)
	}
}

func (w *Web) rowAfter(c *gin.Context, act string) {
	row, err := w.oneRow(c)
	if err != nil {
		w.fail(c, err)
		return
	}
	counts, err := w.Incidents.Counts(c.Request.Context(), tenant(c))
	if err != nil {
		w.fail(c, err)
		return
	}
	key := c.PostForm("tab")
	w.fragment(c, http.StatusOK, "incidents", "acted", actResult{
		Row: row, Tabs: tabLinks(counts, key, c.PostForm("q")), Open: counts.Open, Toast: doneToast(act),
	})
}
