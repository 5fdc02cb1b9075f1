//go:build !chaos

package failpoint_test

import (
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/failpoint"
)

// TestOff: a hub as it is built lives, whatever its environment says.
func TestOff(t *testing.T) {
	t.Setenv("HUB_FAILPOINT", "after_send@1")
	failpoint.Hit(failpoint.AfterSend)
	if failpoint.Built {
		t.Error("a program without the tag chaos says that it has failpoints")
	}
	if n := testing.AllocsPerRun(100, func() { failpoint.Hit(failpoint.AfterSend) }); n != 0 {
		t.Errorf("%v allocations a hit", n)
	}
}
