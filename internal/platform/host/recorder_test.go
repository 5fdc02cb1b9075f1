package host_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// again writes a recording and reads it back.
func again(t *testing.T, rec *host.Recording) (*host.Recorded, int) {
	t.Helper()
	var b bytes.Buffer
	if err := rec.Write(&b); err != nil {
		t.Fatal(err)
	}
	n := b.Len()
	back, err := host.ReadRecording(&b)
	if err != nil {
		t.Fatal(err)
	}
	return host.Replay(back), n
}

func TestRecordedSaysTheSame(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("some text\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	type said struct {
		First, Second      *host.Sample
		Walk               *host.Walk
		Text               string
		Names              []string
		Pidfiles           []host.Pidfile
		Connection, Silent host.Connection
		Answer             host.Answer
	}
	ask := func(p host.Probe) (s said) {
		var err error
		if s.First, s.Second, err = host.Pair(ctx, p, 10*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		if s.Walk, err = p.Walk(ctx, dir, host.WalkOptions{Top: 3}); err != nil {
			t.Fatal(err)
		}
		text, err := p.Read(ctx, file)
		if err != nil {
			t.Fatal(err)
		}
		s.Text = string(text)
		if s.Names, err = p.List(ctx, dir); err != nil {
			t.Fatal(err)
		}
		if s.Pidfiles, err = p.Pidfiles(ctx); err != nil {
			t.Fatal(err)
		}
		s.Connection = p.Connect(ctx, "127.0.0.1:1", "")
		s.Answer = p.Lookup(ctx, "127.0.0.1:1", "example.com")
		if _, err = p.Read(ctx, dir+"/none"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("no file: %v", err)
		}
		return s
	}
	r := host.Record(host.New(host.Config{}))
	want := ask(r)
	p, n := again(t, r.Recording())
	ended := cmpopts.IgnoreSliceElements(func(s host.Socket) bool { return s.State == "TIME_WAIT" }) // only 50 are kept
	if diff := cmp.Diff(want, ask(p), cmpopts.EquateEmpty(), ended); diff != "" {
		t.Errorf("a recorded host says something else (-live +recorded):\n%s", diff)
	}
	t.Logf("%d processes, %d bytes", len(want.First.Processes), n)
}

func TestRecordedGivesSamplesInOrder(t *testing.T) {
	t.Parallel()
	rec := &host.Recording{}
	for i := range 3 {
		rec.Samples = append(rec.Samples, &host.Sample{Forks: int64(i + 1)})
	}
	p := host.Replay(rec)
	var got []int64
	for range 4 {
		s, err := p.Sample(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err = p.Wait(t.Context(), time.Hour); err != nil {
			t.Fatal(err)
		}
		got = append(got, s.Forks)
	}
	if diff := cmp.Diff([]int64{1, 2, 3, 3}, got); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	if a, b, err := p.Pair(t.Context(), time.Hour); err != nil || a.Forks != 1 || b.Forks != 3 {
		t.Errorf("pair %+v %+v: %v", a, b, err)
	}
}

func TestNotRecorded(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	p := host.Replay(&host.Recording{Walks: []host.RecordedWalk{{Root: "/secret", Error: "permission denied"}}})
	_, errSample := p.Sample(ctx)
	_, _, errPair := p.Pair(ctx, 0)
	_, errWalk := p.Walk(ctx, "/", host.WalkOptions{})
	_, errSecret := p.Walk(ctx, "/secret", host.WalkOptions{})
	_, errRead := p.Read(ctx, "/etc/hosts")
	_, errList := p.List(ctx, "/etc")
	for name, tt := range map[string]struct{ got, want error }{
		"sample": {errSample, host.ErrUnseen}, "pair": {errPair, host.ErrUnseen}, "walk": {errWalk, fs.ErrNotExist},
		"read": {errRead, fs.ErrNotExist}, "list": {errList, fs.ErrNotExist}, "a recorded error": {errSecret, fs.ErrPermission},
	} {
		if !errors.Is(tt.got, tt.want) {
			t.Errorf("%s: %v, want %v", name, tt.got, tt.want)
		}
	}
	if files, err := p.Pidfiles(ctx); err != nil || len(files) != 0 {
		t.Errorf("pidfiles %v: %v", files, err)
	}
	if c := p.Connect(ctx, "a:1", ""); c.Error != host.NotRecorded {
		t.Errorf("connection %+v", c)
	}
	if a := p.Lookup(ctx, "", "a"); a.Error != host.NotRecorded {
		t.Errorf("answer %+v", a)
	}
	for name, text := range map[string]string{"cut off": `{"samples":[`, "empty sample": `{"samples":[null]}`} {
		if _, err := host.ReadRecording(strings.NewReader(text)); err == nil {
			t.Errorf("%s: read without an error", name)
		}
	}
}

func TestZeroPressureIsKept(t *testing.T) {
	t.Parallel()
	zero := 0.0
	p, _ := again(t, &host.Recording{Samples: []*host.Sample{{Pressure: host.Pressure{IO: &zero}}}})
	s, err := p.Sample(t.Context())
	if err != nil || s.Pressure.IO == nil || s.Pressure.CPU != nil {
		t.Errorf("pressure %+v: %v", s.Pressure, err)
	}
}

// A host with 300 processes of which two samples were taken fits into a file of a test.
func TestRecordingIsSmall(t *testing.T) {
	t.Parallel()
	rec := &host.Recording{}
	for i := range 2 {
		s := &host.Sample{TakenAt: time.Unix(int64(i), 0).UTC(), Hostname: "web7"}
		for pid := range 300 {
			if pid%3 == 1 {
				s.Processes = append(s.Processes, host.Process{PID: pid + 10_000, PPID: 2, Started: 12, Age: 1234.56, Name: "kworker/1:2", User: "root", State: "I", Threads: 1, FDs: -1, Kernel: true})
				continue
			}
			s.Processes = append(s.Processes, host.Process{
				PID: pid + 10_000, PPID: 1, Started: 123_456, Age: 1234.56, Name: "some-process", Cmdline: strings.Repeat("word ", 12),
				Exe: "/usr/lib/some/process", User: "www-data", UID: 33, State: "S", UserTime: 12.34, SystemTime: 5.67, RSS: 123_456_789, Shared: 23_456_789,
				Threads: 12, FDs: 34, FDLimit: 1024, ReadBytes: 123_456, WriteBytes: 654_321, Cgroup: fmt.Sprintf("/system.slice/some-%d.service", pid/3),
				NetNamespace: 4026531840, MountNamespace: 4026531841,
			})
			if pid%2 == 0 {
				s.Sockets = append(s.Sockets, host.Socket{
					State: "ESTABLISHED", Local: "192.0.2.10", Port: 40000 + pid, Remote: "192.0.2.11", RPort: 443, PID: pid + 10_000, Inode: 1_000_000,
				})
			}
			if pid%3 == 0 {
				s.Cgroups = append(s.Cgroups, host.Cgroup{
					Path: fmt.Sprintf("/system.slice/some-%d.service", pid/3), Version: 2, PIDs: []int{pid, pid + 1}, CPUTime: 12.5, MemoryUsed: 1 << 28,
					MemoryFile: 1 << 20, PIDsNow: 3, PIDsMax: 9000,
				})
			}
		}
		rec.Samples = append(rec.Samples, s)
	}
	if _, n := again(t, rec); n > 300<<10 {
		t.Errorf("%d bytes, want at most %d", n, 300<<10)
	}
}
