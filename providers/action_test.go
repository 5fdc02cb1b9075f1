package providers_test

import (
	"testing"

	"github.com/incidenthub/incidenthub/providers"
)

func TestIsCommand(t *testing.T) {
	t.Parallel()
	for action, want := range map[string]bool{
		"ls -l /var/log": true, "/usr/bin/uptime": true, "Restart it through its unit": false, "Look at the top process: ps -p 1": false, "": false, "restart": false,
	} {
		if got := providers.IsCommand(action); got != want {
			t.Errorf("%q: %t", action, got)
		}
	}
}
