package cli_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/apps/cli"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	answering := func(status int, after time.Duration) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/healthz" || r.Header.Get("Authorization") != "" {
				t.Errorf("asked for %s with %q", r.URL.Path, r.Header.Get("Authorization"))
			}
			select {
			case <-time.After(after):
			case <-r.Context().Done():
			}
			w.WriteHeader(status)
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	port := func(url string) string { return url[strings.LastIndex(url, ":")+1:] }
	const nobody = "127.0.0.1:1"
	ok, ill := answering(http.StatusOK, 0), answering(http.StatusServiceUnavailable, 0)
	for name, tt := range map[string]struct {
		vars map[string]string
		args []string
		code int
		want string
	}{
		"healthy":          {nil, []string{"--server", ok + "/"}, cli.ExitOK, "healthy"},
		"unhealthy":        {nil, []string{"--server", ill}, cli.ExitFailed, "503 Service Unavailable"},
		"no answer":        {nil, []string{"--server", "http://" + nobody}, cli.ExitFailed, "no hub answers at " + nobody},
		"hangs":            {nil, []string{"--server", answering(http.StatusOK, time.Minute), "--timeout", "50ms"}, cli.ExitFailed, "no hub answers"},
		"named by setting": {map[string]string{"HUB_SERVER": ok, "HUB_LISTEN": nobody}, nil, cli.ExitOK, "healthy"},
		"listens here":     {map[string]string{"HUB_LISTEN": "127.0.0.1:" + port(ok)}, nil, cli.ExitOK, "healthy"},
		"listens anywhere": {map[string]string{"HUB_LISTEN": ":" + port(ok)}, nil, cli.ExitOK, "healthy"},
		"all of IPv4":      {map[string]string{"HUB_LISTEN": "0.0.0.0:" + port(ill)}, nil, cli.ExitFailed, "503"},
		"any port":         {map[string]string{"HUB_LISTEN": "127.0.0.1:0"}, nil, cli.ExitFailed, "use --server"},
		"no address":       {nil, []string{"--server", "hub"}, cli.ExitFailed, "--server must be an address"},
		"no time":          {nil, []string{"--server", ok, "--timeout", "0s"}, cli.ExitFailed, "--timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newShell(t)
			s.vars = tt.vars
			r := s.run(t, "", append([]string{"health"}, tt.args...)...)
			if r.code != tt.code || !strings.Contains(r.out+r.err, tt.want) {
				t.Errorf("exit %d: %s%s, want %d with %q", r.code, r.out, r.err, tt.code, tt.want)
			}
		})
	}
}
