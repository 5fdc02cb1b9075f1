package server

import (
	"fmt"
	"strings"
	"time"
)

// firstAlert is what the printed curl sends: an Alertmanager notification without single quotes, for a terminal of 80 columns.
const firstAlert = `{"version":"4",
 "status":"firing","receiver":"hub",
 "groupKey":"{}:{alertname=\"DiskAlmostFull\"}",
 "groupLabels":{"alertname":"DiskAlmostFull"},
 "commonLabels":{"alertname":"DiskAlmostFull","severity":"critical"},
 "commonAnnotations":{},"externalURL":"http://alertmanager:9093",
 "alerts":[{"status":"firing","fingerprint":"5f972974ccf1ee9b",
  "labels":{"alertname":"DiskAlmostFull","severity":"critical",
   "instance":"db-1:9100"},
  "annotations":{"summary":"/var is 97 %% full on db-1"},
  "startsAt":"%s","endsAt":"0001-01-01T00:00:00Z",
  "generatorURL":"http://prometheus:9090/graph"}]}`

// rule sets the greeting off from the log around it.
const rule = "------------------------------------------------------------------------\n"

// greeting says where the hub is, and at a first start how to get in and send a first alert.
func (s *Server) greeting() string {
	var b strings.Builder
	base := s.core.cfg.Server.BaseURL(s.Addr())
	token, key := s.OwnerToken(), s.IngestKey()
	if token == "" && key == "" {
		return fmt.Sprintf("incidenthub is ready: %s (data in %s)\n", base, s.core.cfg.Storage.DataDir)
	}
	fmt.Fprintf(&b, "\n%sincidenthub is ready: %s\nIts data is in %s\n", rule, base, s.core.cfg.Storage.DataDir)
	if token != "" {
		fmt.Fprintf(&b, "\nAdmin token for signing in, shown this once:\n\n    %s\n\nLost? incidenthub key reset-admin prints a new one.\n", token)
	}
	if key != "" {
		fmt.Fprintf(&b, "\nA first alert, to paste into another shell (its key is shown this once):\n\ncurl -sS %s/alerts/webhook/ \\\n"+
			"  -H 'Authorization: Bearer %s' \\\n  -H 'Content-Type: application/json' -d '%s'\n",
			base, key, fmt.Sprintf(firstAlert, s.core.clock.Now().Add(-2*time.Minute).Format(time.RFC3339)))
	}
	return b.String() + rule + "\n"
}
