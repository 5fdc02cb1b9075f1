package web

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/sources"
)

type sourcesPage struct {
	Frame
	Sources []sources.Source
}

func (w *Web) sourcesList(c *gin.Context) {
	list, err := w.Sources.List(c.Request.Context(), tenant(c))
	if err != nil {
		w.fail(c, err)
		return
	}
	page := sourcesPage{Frame: w.frame(c, "sources", "Sources"), Sources: list}
	if c.Query("done") == "deleted" {
		page.Toast = &Toast{Text: "The source is deleted and its key opens nothing. What it received stays.", Icon: "check", Tone: "ok"}
	}
	w.page(c, http.StatusOK, "sources", page)
}
