package host_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
)

func TestLiveSample(t *testing.T) {
	t.Parallel()
	p := host.Share(host.New(host.Config{}), 0)
	first, second, err := p.Pair(t.Context(), time.Second/2) // so long that the processors do not spend all of it in the kernel
	if err != nil {
		t.Fatal(err)
	}
	if first.CPU.Count < 1 || first.Memory.Total == 0 || second.CPU.Total.Idle+second.CPU.Total.User <= first.CPU.Total.Idle+first.CPU.Total.User {
		t.Errorf("CPU %+v then %+v, memory %+v", first.CPU, second.CPU, first.Memory)
	}
	self := false
	for _, p := range second.Processes {
		if p.PID == os.Getpid() {
			self = p.FDs > 2 && p.RSS > 1<<20 && p.Started > 0 && p.Threads > 1 && p.Name != "" && p.Exe != ""
		}
	}
	if !self || second.Self != os.Getpid() {
		t.Error("this process is not to be seen, or not well")
	}
	if out := os.Getenv("HOST_DUMP"); out != "" {
		b, _ := json.MarshalIndent(second, "", " ")
		_ = os.WriteFile(out, b, 0o600)
	}
}
