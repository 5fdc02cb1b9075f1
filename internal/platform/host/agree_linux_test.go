package host_test

import (
	"fmt"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

func live(t *testing.T) *host.Sample {
	t.Helper()
	s, err := host.New(host.Config{}).Sample(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run gives the lines of a program's output, split into words; without the program the comparison is skipped.
func run(t *testing.T, name string, args ...string) [][]string {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip(err)
	}
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, _ := cmd.Output() // df ends with 1 for one mount it may not read
	var lines [][]string
	for line := range strings.Lines(string(out)) {
		lines = append(lines, strings.Fields(line))
	}
	if len(lines) == 0 {
		t.Fatalf("%s said nothing", name)
	}
	return lines
}

// look is one comparison of two things that are read one after the other.
type look struct {
	*testing.T

	differ []string
}

// agree compares, and compares again when both differ: others change the machine between one look and the next.
func agree(t *testing.T, compare func(l *look)) {
	t.Helper()
	l := &look{}
	for range 10 {
		l = &look{T: t}
		if compare(l); len(l.differ) == 0 {
			return
		}
	}
	for _, what := range l.differ {
		t.Error(what)
	}
}

// Errorf notes a difference.
func (l *look) Errorf(format string, args ...any) {
	l.differ = append(l.differ, fmt.Sprintf(format, args...))
}

// near allows for what others do meanwhile: 2 %, and at least slack.
func (l *look) near(what string, got, want uint64, slack float64) {
	if diff := math.Abs(float64(got) - float64(want)); diff > max(slack, 0.02*float64(want)) {
		l.Errorf("%s: got %d, the system says %d", what, got, want)
	}
}

func size(t *testing.T, s string) uint64 {
	t.Helper()
	if s == "-" {
		return 0
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestAgreesWithDf(t *testing.T) { agree(t, agreesWithDf) }

func agreesWithDf(t *look) {
	lines := run(t.T, "df", "-a", "-B1", "--output=size,used,avail,itotal,iavail,target")
	s := live(t.T)
	compared := 0
	for _, f := range lines[1:] {
		if len(f) != 6 || size(t.T, f[0]) == 0 {
			continue
		}
		i := slices.IndexFunc(s.Mounts, func(m host.Mount) bool { return m.Path == f[5] })
		if i < 0 {
			t.Errorf("%s is missing", f[5])
			continue
		}
		m := s.Mounts[i]
		compared++
		const slack = 256 << 20 // builds go on beside the test
		t.near(f[5]+" size", m.Total, size(t.T, f[0]), 0)
		t.near(f[5]+" used", m.Total-m.Free, size(t.T, f[1]), slack)
		t.near(f[5]+" available", m.Available, size(t.T, f[2]), slack)
		t.near(f[5]+" inodes", m.Inodes, size(t.T, f[3]), 0)
		t.near(f[5]+" free inodes", m.InodesFree, size(t.T, f[4]), 20_000)
	}
	if compared == 0 {
		t.Errorf("df and the sample have no mount in common")
	}
}

func TestAgreesWithMeminfo(t *testing.T) { agree(t, agreesWithMeminfo) }

func agreesWithMeminfo(t *look) {
	s := live(t.T)
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		t.Fatal(err)
	}
	said := map[string]uint64{}
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 {
			said[strings.TrimSuffix(f[0], ":")] = size(t.T, f[1]) << 10
		}
	}
	const slack = 512 << 20
	t.near("total", s.Memory.Total, said["MemTotal"], 0)
	t.near("available", s.Memory.Available, said["MemAvailable"], slack)
	t.near("shared", s.Memory.Shared, said["Shmem"], slack)
	t.near("swap", s.Memory.SwapTotal, said["SwapTotal"], 0)
	for _, f := range run(t.T, "free", "-b") {
		if f[0] == "Mem:" {
			t.near("available as free says", s.Memory.Available, size(t.T, f[6]), slack)
		}
	}
}

func TestAgreesWithStat(t *testing.T) { agree(t, agreesWithStat) }

func agreesWithStat(t *look) {
	s := live(t.T)
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	f := strings.Fields(strings.SplitN(string(text), "\n", 2)[0])
	t.near("user time", uint64(s.CPU.Total.User*100), size(t.T, f[1]), 500)
	t.near("system time", uint64(s.CPU.Total.System*100), size(t.T, f[3]), 500)
	t.near("idle time", uint64(s.CPU.Total.Idle*100), size(t.T, f[4]), 500)
	if n := strings.Count(string(text), "\ncpu"); s.CPU.Count != n {
		t.Errorf("%d processors, want %d", s.CPU.Count, n)
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		if _, err := strconv.Atoi(e.Name()); err == nil {
			n++
		}
	}
	t.near("processes", uint64(len(s.Processes)), uint64(n), 30)
}

func TestAgreesWithSs(t *testing.T) {
	l := backlog(t, 3)
	agree(t, func(t *look) { agreesWithSs(t, l) })
}

func agreesWithSs(t *look, l int) {
	want := map[string][2]uint64{}
	for _, f := range run(t.T, "ss", "-Htln") {
		want[f[3]] = [2]uint64{size(t.T, f[1]), size(t.T, f[2])}
	}
	s := live(t.T)
	found := false
	for _, k := range s.Sockets {
		if k.State != "LISTEN" {
			continue
		}
		name := net.JoinHostPort(k.Local, strconv.Itoa(k.Port))
		if k.Local == "::" {
			name = "*:" + strconv.Itoa(k.Port)
			if _, ok := want[name]; !ok {
				name = "[::]:" + strconv.Itoa(k.Port)
			}
		}
		if w, ok := want[name]; ok && w[1] != k.Send {
			t.Errorf("%s: at most %d wait, ss says %d", name, k.Send, w[1])
		}
		if k.Port == l {
			found = true
			if k.Receive != 2 || k.Send != 3 || k.PID != os.Getpid() || k.Local != "127.0.0.1" {
				t.Errorf("own socket with 2 of 3 waiting: %+v", k)
			}
		}
	}
	if !found {
		t.Errorf("own listening socket is missing")
	}
}

// backlog listens with room for n connections and lets two wait.
func backlog(t *testing.T, n int) (port int) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = unix.Close(fd) })
	if err = unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err = unix.Listen(fd, n); err != nil {
		t.Fatal(err)
	}
	at, err := unix.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	port = at.(*unix.SockaddrInet4).Port
	for range 2 {
		c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
	}
	return port
}

func TestOpenFiles(t *testing.T) {
	dir := t.TempDir()
	put := func(name string, n int) *os.File {
		f, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = f.Close() })
		if _, err = f.Write(make([]byte, n)); err != nil {
			t.Fatal(err)
		}
		return f
	}
	put("small", 100)
	put("large", 3<<20)
	gone := put("gone (deleted)", 2<<20)
	if err := os.Remove(gone.Name()); err != nil {
		t.Fatal(err)
	}
	put("kept (deleted)", 2<<20) // its name only says so
	st, err := gone.Stat()
	if err != nil {
		t.Fatal(err)
	}
	var got []host.File
	for _, p := range live(t).Processes {
		if p.PID == os.Getpid() {
			got = slices.DeleteFunc(p.OpenFiles, func(f host.File) bool { return filepath.Dir(f.Path) != dir })
		}
	}
	names := []string{}
	for _, f := range got {
		names = append(names, filepath.Base(f.Path))
		if f.Deleted != (f.Path == gone.Name()) || !f.Writing || f.Blocks < 2<<20 || f.Dev == 0 || f.Inode == 0 {
			t.Errorf("%+v", f)
		}
		if f.Deleted && f.Size != uint64(st.Size()) {
			t.Errorf("the deleted file has %d bytes, want %d", f.Size, st.Size())
		}
	}
	slices.Sort(names)
	if want := []string{"gone (deleted)", "kept (deleted)", "large"}; !slices.Equal(names, want) {
		t.Errorf("open files %q, want %q", names, want)
	}
}

func TestStates(t *testing.T) {
	zombie, stopped := exec.CommandContext(t.Context(), "true"), exec.CommandContext(t.Context(), "sleep", "600")
	for _, c := range []*exec.Cmd{zombie, stopped} {
		if err := c.Start(); err != nil {
			t.Skip(err)
		}
		t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	}
	if err := stopped.Process.Signal(unix.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	want := map[int]string{zombie.Process.Pid: "Z", stopped.Process.Pid: "T"}
	testkit.Eventually(t, time.Minute, func() bool {
		good := 0
		for _, p := range live(t).Processes {
			if want[p.PID] == p.State && p.PPID == os.Getpid() {
				good++
			}
		}
		return good == len(want)
	}, "a zombie and a stopped process are not seen")
}

func TestAgreesWithSys(t *testing.T) { agree(t, agreesWithSys) }

func agreesWithSys(t *look) {
	compared := 0
	for _, i := range live(t.T).Interfaces {
		dir := filepath.Join("/sys/class/net", i.Name)
		text, err := os.ReadFile(filepath.Join(dir, "statistics/rx_bytes"))
		if err != nil {
			continue // /sys is of another network namespace, or none
		}
		compared++
		t.near(i.Name+" received", i.RxBytes, size(t.T, strings.TrimSpace(string(text))), 4<<20)
		text, err = os.ReadFile(filepath.Join(dir, "carrier")) // an error while it is down
		if want := err == nil && strings.TrimSpace(string(text)) == "1"; i.Up && i.Carrier != want {
			t.Errorf("%s: carrier %v, the system says %v", i.Name, i.Carrier, want)
		}
		if _, err = os.Stat(filepath.Join(dir, "device")); (err == nil) != (i.Kind == "physical") {
			t.Errorf("%s is %s", i.Name, i.Kind)
		}
	}
	if compared == 0 {
		t.Skip("no interface in /sys")
	}
}
