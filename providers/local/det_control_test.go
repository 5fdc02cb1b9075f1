package local

import (
	"fmt"
	"testing"
	"time"

	"github.com/incidenthub/incidenthub/internal/platform/host"
	"github.com/incidenthub/incidenthub/providers"
)

// TestDiskAndNetworkControls: what healthy hosts show is never high or critical, whatever the incident says, and where the case says so not
// even mentioned.
func TestDiskAndNetworkControls(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(s *host.Sample, second bool)
		also   func(r *host.Recording)
		silent string // no recommendation of this kind for a vague incident
	}{
		"healthy": {silent: providers.Disk},
		"images are full": {silent: providers.Disk, change: func(s *host.Sample, _ bool) {
			s.Mounts = append(s.Mounts,
				host.Mount{Path: "/snap/core/1", Device: "/dev/loop3", Type: "squashfs", ReadOnly: true, Options: "ro", Dev: 30, Total: 60 << 20, Inodes: 1000},
				host.Mount{Path: "/cdrom", Device: "/dev/sr0", Type: "iso9660", ReadOnly: true, Options: "ro", Dev: 31, Total: 600 << 20})
		}},
		"read-only bind mounts": {silent: providers.Disk, change: func(s *host.Sample, _ bool) {
			s.Mounts = append(s.Mounts,
				host.Mount{Path: "/srv/app/config", Device: "/dev/vda1", Type: "ext4", ReadOnly: true, Options: "ro,relatime", Dev: 1, Total: 100 << 30, Free: 60 << 30, Available: 55 << 30})
		}, also: func(r *host.Recording) {
			r.Reads = append(r.Reads, host.RecordedRead{Path: "/proc/self/mountinfo", Text: "40 25 8:1 /etc/app /srv/app/config ro,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro\n"})
		}},
		"read-only by fstab": {silent: providers.Disk, change: func(s *host.Sample, _ bool) {
			s.Mounts = append(s.Mounts, host.Mount{Path: "/archive", Device: "/dev/vdb1", Type: "xfs", ReadOnly: true, Options: "ro", Dev: 9, Total: 1 << 40, Free: 1 << 39, Available: 1 << 39})
		}, also: func(r *host.Recording) {
			r.Reads = append(r.Reads, host.RecordedRead{Path: "/etc/fstab", Text: "# archive\n/dev/vdb1 /archive xfs ro,noatime 0 2\n"})
		}},
		"sealed /usr": {silent: providers.Disk, change: func(s *host.Sample, _ bool) {
			s.Mounts = append(s.Mounts, host.Mount{Path: "/usr", Device: "/dev/dm-0", Type: "btrfs", ReadOnly: true, Options: "ro", Dev: 9, Total: 1 << 30, Free: 1 << 20, Available: 1 << 20})
		}},
		"big disk at 91 % has plenty": {change: func(s *host.Sample, _ bool) {
			s.Mounts = append(s.Mounts, host.Mount{Path: "/data", Device: "/dev/vdc", Type: "xfs", Options: "rw", Dev: 9, Total: 10 << 40, Free: 900 << 30, Available: 900 << 30, Inodes: 1e9, InodesFree: 9e8})
		}},
		"/boot is nearly full": {change: func(s *host.Sample, _ bool) {
			s.Mounts = append(s.Mounts, host.Mount{Path: "/boot", Device: "/dev/vda2", Type: "ext4", Options: "rw", Dev: 9, Total: 500 << 20, Free: 30 << 20, Available: 20 << 20, Inodes: 1e5, InodesFree: 9e4})
		}},
		"a big cache on a big empty disk": {also: func(r *host.Recording) {
			r.Walks = append(r.Walks, host.RecordedWalk{Root: "/var/cache", Walk: &host.Walk{
				Root: "/var/cache", Size: 9 << 30, Entries: 900, Dirs: []host.Directory{{Path: "/var/cache/apt", Size: 9 << 30, Entries: 800, OldSize: 5 << 30}}, OldSize: 5 << 30, OldN: 200,
			}})
		}},
		"memory called deleted": {silent: providers.Disk, change: func(s *host.Sample, _ bool) {
			s.Mounts = append(s.Mounts, host.Mount{Path: "/dev/shm", Device: "tmpfs", Type: "tmpfs", Options: "rw", Dev: 40, Total: 4 << 30, Free: 3 << 30, Available: 3 << 30})
			withProcess(s, host.Process{PID: 50, Name: "postgres", OpenFiles: []host.File{
				{FD: 3, Path: "/dev/zero", Deleted: true, Writing: true, Size: 1 << 30, Blocks: 1 << 30, Dev: 5, Inode: 1},
				{FD: 4, Path: "/memfd:pulse", Deleted: true, Writing: true, Size: 1 << 30, Blocks: 1 << 30, Dev: 5, Inode: 2},
				{FD: 5, Path: "/dev/shm/PostgreSQL.1", Deleted: true, Writing: true, Size: 1 << 30, Blocks: 1 << 30, Dev: 40, Inode: 3},
			}})
		}},
		"a database writes its log in place": {silent: providers.Disk, change: func(s *host.Sample, second bool) {
			p := host.Process{PID: 50, Name: "postgres", WriteBytes: 1 << 30, OpenFiles: []host.File{
				{FD: 9, Path: "/var/lib/postgresql/pg_wal/0000001", Writing: true, Size: 16 << 20, Blocks: 16 << 20, Dev: 1, Inode: 77},
			}}
			if second {
				p.WriteBytes += 40 << 20
			}
			withProcess(s, p)
		}},
		"a download grows on a big disk": {change: func(s *host.Sample, second bool) {
			f := host.File{FD: 5, Path: "/home/ann/image.iso", Writing: true, Size: 1 << 30, Blocks: 1 << 30, Dev: 1, Inode: 5}
			if second {
				f.Size, f.Blocks = f.Size+(450<<20), f.Blocks+(450<<20)
			}
			s.Mounts[0].Free, s.Mounts[0].Available = 32<<30, 28<<30
			withProcess(s, host.Process{PID: 50, Name: "curl", OpenFiles: []host.File{f}})
		}},
		"a busy writer": {change: func(s *host.Sample, second bool) {
			io, full := 35.0, 20.0
			s.Pressure.IO, s.Pressure.IOFull = &io, &full
			p := host.Process{PID: 50, Name: "backup", State: "D", WriteBytes: 1 << 30}
			if second {
				p.WriteBytes += 90 << 20
				s.CPU.Total.IOWait += .9
			}
			withProcess(s, p)
		}},
		"bridge without machines": {silent: providers.Network, change: func(s *host.Sample, _ bool) {
			s.Interfaces = append(s.Interfaces,
				host.Interface{Name: "docker0", Up: true, Kind: "virtual", Addresses: []string{"172.17.0.1"}}, host.Interface{Name: "lan7", Up: true, Kind: "virtual", Addresses: []string{"10.0.0.1"}},
				host.Interface{Name: "eth1", Up: true, Kind: "physical"}, host.Interface{Name: "ifb0", Kind: "virtual"})
		}, also: func(r *host.Recording) {
			r.Lists = append(r.Lists, host.RecordedList{Path: "/sys/class/net/lan7/bridge", Names: []string{"stp_state"}})
		}},
		"connections come and go": {silent: providers.Network, change: func(s *host.Sample, second bool) {
			for i := range 300 { // other sockets each time: they are being closed
				inode := uint64(1000 + i)
				if second {
					inode += 1000
				}
				s.Sockets = append(s.Sockets, host.Socket{State: "CLOSE_WAIT", Local: "192.0.2.10", Port: 80, Remote: "198.51.100.7", RPort: 4000 + i, PID: 800, Inode: inode})
			}
			if second {
				s.Sockets[1].Receive = 40 // a burst that was not there before
			}
		}},
		"closed before they were accepted": {silent: providers.Network, change: func(s *host.Sample, _ bool) {
			for i := range 100 {
				s.Sockets = append(s.Sockets, host.Socket{State: "CLOSE_WAIT", Local: "192.0.2.10", Port: 80, Remote: "198.51.100.7", RPort: 4000 + i})
			}
		}},
		"the second name server is lame": {change: func(s *host.Sample, _ bool) { s.Resolvers = append(s.Resolvers, "192.0.2.54") }, also: func(r *host.Recording) {
			r.Answers = append(r.Answers, host.Answer{Server: "192.0.2.54", Name: "localhost", Error: "timeout", Took: time.Second})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, title := range []string{"host unhealthy", "Disk usage high, writes slow, logs growing", "Network timeouts, connection refused", "High CPU load"} {
				rec := madeUp(tt.change)
				if tt.also != nil {
					tt.also(rec)
				}
				r := analyzed(t, rec, incidentOf(title, "instance", "web-1:9100"))
				if got := alarmsOf(r); len(got) > 0 {
					t.Errorf("%s: alarms: %q", title, got)
				}
				if x := firstOf(r, tt.silent); title == "host unhealthy" && x != nil {
					t.Errorf("%s is not out of the ordinary", x.Title)
				}
			}
		})
	}
}

// TestTargetsThatAnswer: an incident about something that answers finds nothing there, and nothing but this host is asked.
func TestTargetsThatAnswer(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*providers.Request{
		"answers":       incidentOf("API slow", "url", "http://127.0.0.1/health"),
		"another host":  incidentOf("connection refused", "url", "http://198.51.100.9:8080/"),
		"metadata":      incidentOf("timeout", "url", "http://169.254.169.254/latest/meta-data"),
		"exporter":      incidentOf("High CPU", "instance", "web-1:9100"),
		"no own answer": incidentOf("Port 5432 timeout"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec := madeUp(nil)
			rec.Connections = []host.RecordedConnection{
				{Connection: host.Connection{Address: "127.0.0.1:80", Connected: 1, FirstByte: 3 * time.Millisecond}, Send: fmt.Sprintf(wantGet, "/health", "127.0.0.1:80")},
				{Connection: host.Connection{Address: "198.51.100.9:8080", Error: "refused"}, Send: fmt.Sprintf(wantGet, "/", "198.51.100.9:8080")},
				{Connection: host.Connection{Address: "169.254.169.254:80", Error: "refused"}, Send: fmt.Sprintf(wantGet, "/", "169.254.169.254:80")},
				{Connection: host.Connection{Address: "192.0.2.10:9100", Error: "refused"}},
				{Connection: host.Connection{Address: "127.0.0.1:5432", Connected: 1}},
			}
			if x := firstOf(analyzed(t, rec, r), providers.Network); x != nil {
				t.Errorf("found %q", x.Title)
			}
		})
	}
}

const wantGet = "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: incidenthub\r\nAccept: */*\r\nConnection: close\r\n\r\n"
