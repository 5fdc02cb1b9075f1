package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gin-gonic/gin"
)

// A browser that leaves a page before it is made is no error of the hub.
func TestNobodyWaitsForThePage(t *testing.T) {
	t.Parallel()
	ctx, leave := context.WithCancel(t.Context())
	leave()
	var log strings.Builder
	w := &Web{Config: Config{Log: slog.New(slog.NewTextHandler(&log, nil))}}
	c, _ := gin.CreateTestContext(httptest.NewRecorder())
	c.Request = httptest.NewRequestWithContext(ctx, http.MethodGet, "/incidents", http.NoBody)
	w.fail(c, errors.New("list incidents: context canceled"))
	if c.Writer.Status() != statusClientGone || log.String() != "" {
		t.Errorf("status %d, log %q", c.Writer.Status(), log.String())
	}
}
