package web_test

import (
	"log/slog"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"

	"github.com/incidenthub/incidenthub/apps/web"
)

// serve starts a server with the pages on top of h.
func serve(t *testing.T, h *hub) *httptest.Server {
	t.Helper()
	gin.SetMode(gin.TestMode)
	c := h.config()
	c.Log = slog.New(slog.DiscardHandler)
	w, err := web.New(c)
	if err != nil {
		t.Fatal(err)
	}
	engine := gin.New()
	w.Register(engine)
	s := httptest.NewServer(engine)
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s
}
