package local

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/incidenthub/incidenthub/providers"
)

// asked are the words of an incident for each kind, and some that say nothing.
func asked(kind string) []*providers.Request {
	out := []*providers.Request{incidentOf("host unhealthy"), incidentOf("Something is wrong with web-1", "instance", "web-1:9100"), incidentOf(kind + " alert")}
	return append(out, map[string]*providers.Request{
		providers.CPU: incidentOf("High CPU usage"), providers.Memory: incidentOf("HostHighMemoryUsage", "hostname", "web-1.example.net"), providers.Proc: incidentOf("ProcessAlert", "instance", "127.0.0.1:9100"),
	}[kind])
}

func TestFaultsOfProcessorsMemoryAndProcesses(t *testing.T) {
	t.Parallel()
	for file, tt := range map[string]struct {
		kind    string
		word    string // pattern, in title or description
		culprit providers.Culprit
		command string // part of an action
	}{
		"cpu_busy":        {"cpu", "busy process", providers.Culprit{PID: 26525, Name: "bookingd"}, "-p 26525"},
		"cpu_children":    {"cpu", "short-lived children", providers.Culprit{PID: 26746, Name: "feedgen"}, "--ppid 26746"},
		"cpu_quota":       {"cpu", "quota", providers.Culprit{Kind: "cgroup", PID: 10686, Path: "/thumbd"}, "/sys/fs/cgroup/cpu/thumbd/cpu.stat"},
		"memory_big":      {"memory", "resident", providers.Culprit{PID: 10945, Name: "refundd"}, "/proc/10945/smaps_rollup"},
		"memory_growing":  {"memory", "leak", providers.Culprit{PID: 11414, Name: "tagger"}, "/proc/11414/status"},
		"memory_tmpfs":    {"memory", "tmpfs", providers.Culprit{Kind: "path", Path: "/dev/shm/pricefeed2857837907"}, "/dev/shm/pricefeed2857837907"},
		"memory_cgroup":   {"memory", "cgroup memory limit", providers.Culprit{Kind: "cgroup", PID: 11956, Path: "/mapserver"}, "/sys/fs/cgroup/memory/mapserver/memory.limit_in_bytes"},
		"oom_loop":        {"memory", "oom-kill", providers.Culprit{Kind: "cgroup", PID: 12306, Path: "/pricefeed"}, "-p 12306"},
		"stale_pidfile":   {"process", "not running.*stale", providers.Culprit{PID: 23982, Name: "refundd", Path: "/tmp/refundd.pid"}, "cat /tmp/refundd.pid"},
		"crash_loop":      {"process", "crash loop", providers.Culprit{PID: 2352, Name: "sessiond"}, "--ppid 2352"},
		"zombies":         {"process", "zombie", providers.Culprit{PID: 24237, Name: "reportd"}, "--ppid 24237"},
		"uninterruptible": {"process", "uninterruptible", providers.Culprit{PID: 24572, Name: "orderapi"}, "/proc/24572/stack"},
		"stopped":         {"process", "stopped", providers.Culprit{PID: 25735, Name: "thumbd"}, "-p 25735"},
		"fd_limit":        {"process", "file descriptors at the limit", providers.Culprit{PID: 26241, Name: "stockd"}, "/proc/26241/fd"},
		"swarm_children":  {"process", "swarm of child processes", providers.Culprit{PID: 26526, Name: "stockd"}, "--ppid 26526"},
		"swarm_threads":   {"process", "swarm of threads", providers.Culprit{PID: 28239, Name: "pricefeed"}, "ps -L -p 28239"},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			for _, r := range asked(tt.kind) {
				res := replayed(t, file, r)
				first := res.Recommendations[0]
				if first.Type != tt.kind {
					t.Errorf("%q: type = %q, want %q: %s", r.Incident.Title, first.Type, tt.kind, first.Title)
				}
				if !regexp.MustCompile("(?is)" + tt.word).MatchString(first.Title + first.Description) {
					t.Errorf("%q: %q is not said:\n%s\n%s", r.Incident.Title, tt.word, first.Title, first.Description)
				}
				got, want := culpritOf(t, &first), tt.culprit
				if got.PID != want.PID || want.Kind != "" && got.Kind != want.Kind || want.Name != "" && got.Name != want.Name ||
					want.Path != "" && got.Path != want.Path && !strings.HasPrefix(got.Path, want.Path+"/") {
					t.Errorf("%q: culprit = %+v, want %+v", r.Incident.Title, got, want)
				}
				if !slices.ContainsFunc(first.Actions, func(a string) bool { return strings.Contains(a, tt.command) }) {
					t.Errorf("%q: no action has %q: %q", r.Incident.Title, tt.command, first.Actions)
				}
				if res.Summary == "" || res.ProbableCause == "" || res.Confidence == nil || *res.Confidence < .4 || *res.Confidence > 1 {
					t.Errorf("%q: summary %q, cause %q, confidence %v", r.Incident.Title, res.Summary, res.ProbableCause, res.Confidence)
				}
			}
		})
	}
}

func TestNothingIsAlarmingOnAHealthyHost(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"control_quiet", "control_busy"} {
		for _, kind := range []string{"cpu", "memory", "disk", "process", "network"} {
			for _, r := range append(asked(providers.CPU), incidentOf("High "+kind+" usage")) {
				res := replayed(t, file, r)
				if len(res.Recommendations) == 0 {
					t.Errorf("%s, %q: nothing is said", file, r.Incident.Title)
				}
				for _, rec := range res.Recommendations {
					if rec.Priority == providers.High || rec.Priority == providers.Critical {
						t.Errorf("%s, %q: %s: %s", file, r.Incident.Title, rec.Priority, rec.Title)
					}
				}
			}
		}
	}
}

func TestTwoFaultsAtOnceAreBothSaid(t *testing.T) {
	t.Parallel()
	res := replayed(t, "two_faults", incidentOf("host unhealthy"))
	pids := map[int]int{}
	for i, rec := range res.Recommendations {
		pids[culpritOf(t, &rec).PID] = i + 1
	}
	if pids[30121] != 1 || pids[30131] == 0 || pids[30131] > 2 {
		t.Errorf("places of the accept queue and the busy process: %d and %d, want 1 and 2", pids[30121], pids[30131])
	}
}

// The words choose between faults that are there, and never make anything worse.
func TestWordsOnlyBreakTies(t *testing.T) {
	t.Parallel()
	cpu, queue := replayed(t, "two_faults", incidentOf("High CPU usage")), replayed(t, "two_faults", incidentOf("API does not accept connections"))
	if got := cpu.Recommendations[0].Type; got != providers.Network {
		t.Errorf("asked about CPU: the first is about %s; a full accept queue is worse than a busy process", got)
	}
	if a, b := cpu.Recommendations[0].Priority, queue.Recommendations[0].Priority; a != b {
		t.Errorf("the same fault is %s for one incident and %s for another", a, b)
	}
	big := replayed(t, "memory_growing", incidentOf("swap is used"))
	if got := culpritOf(t, &big.Recommendations[0]).PID; got != 11414 {
		t.Errorf("the process that grows (11414) comes before the larger one that does not: %d", got)
	}
}

var destructive = regexp.MustCompile(`(?i)\brm\s|\bkill\s+-(9|KILL|TERM|15)|\bkill\s+\d|pkill|killall|mkfs|\bdd\s|truncate\s|shred|\bchmod\s+-R|reboot|shutdown|systemctl\s+(stop|restart|kill)`)

func TestNoActionDestroysAnything(t *testing.T) {
	t.Parallel()
	for _, file := range recordings(t) {
		for _, title := range []string{"host unhealthy", "memory", "disk full", "process", "cpu", "network port"} {
			for _, rec := range replayed(t, file, incidentOf(title)).Recommendations {
				for i, a := range rec.Actions {
					if destructive.MatchString(a) || i == 0 && strings.Contains(a, "kill") {
						t.Errorf("%s: %s: %q", file, rec.Title, a)
					}
				}
				if rec.Title == "" || rec.Description == "" || len(rec.Actions) == 0 || len(rec.Actions) > 10 {
					t.Errorf("%s: not whole: %+v", file, rec)
				}
			}
		}
	}
}

func recordings(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "*.json"))
	if err != nil || len(files) < 20 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".json")
	}
	return files
}
