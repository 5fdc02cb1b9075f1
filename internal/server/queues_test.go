package server

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/config"
)

// TestQueuesOfAServer: what a server is told to leave must be somebody's.
func TestQueuesOfAServer(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set  map[string]string
		want string
	}{
		"nobody else": {map[string]string{"HUB_QUEUES": "maintenance"}, "they need HUB_DATABASE_URL and HUB_REDIS_URL"},
		"no queue":    {map[string]string{"HUB_QUEUES": "mantenance"}, `there is no queue "mantenance"; there are ingest`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cfg, err := config.Load(func(k string) string {
				return map[string]string{"HUB_DATA_DIR": dir, "HUB_LISTEN": "127.0.0.1:0", "HUB_QUEUES": tt.set["HUB_QUEUES"]}[k]
			}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := Run(t.Context(), cfg, func(string) string { return "" }, io.Discard, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v", err)
			}
		})
	}
}
