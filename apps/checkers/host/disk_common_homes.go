package host

import (
	"context"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// maxHomes bounds how many home folders are looked through.
const maxHomes = 50

// homesOf lists the home folders to look through: those of the settings, else the hub's own and, for root, everybody's. Those on network
// file systems are left out unless they were asked for: to walk them takes long, and the space is another machine's.
func homesOf(ctx context.Context, in checkers.Input, asked []string, own string) []string {
	if len(asked) > 0 {
		out := make([]string, len(asked))
		for i, home := range asked {
			out[i] = filepath.Clean(home)
		}
		return out
	}
	if own == "" {
		own = passwdHome(ctx, in)
	}
	homes := []string{own}
	if in.Sample.Root {
		all := "/home"
		if in.Sample.OS == "darwin" {
			all = "/Users"
		}
		names, _ := in.Probe.List(ctx, all) // no such folder, no such homes
		for _, name := range names {
			homes = append(homes, filepath.Join(all, name))
		}
	}
	var out []string
	for _, home := range homes {
		m := mountOf(in.Sample, home)
		if home == "" || home == "/" || slices.Contains(out, home) || m != nil && remote(m.Type) {
			continue
		}
		if out = append(out, home); len(out) == maxHomes {
			break
		}
	}
	return out
}

// passwdHome is the home of the user that the hub runs as, "" when that cannot be found out.
func passwdHome(ctx context.Context, in checkers.Input) string {
	uid, user := -1, ""
	for i := range in.Sample.Processes {
		if p := &in.Sample.Processes[i]; p.PID == in.Sample.Self {
			uid, user = p.UID, p.User
		}
	}
	if in.Sample.Root {
		uid, user = 0, "root"
	}
	if raw, err := in.Probe.Read(ctx, "/etc/passwd"); err == nil {
		for line := range strings.Lines(string(raw)) {
			f := strings.Split(strings.TrimSpace(line), ":")
			if len(f) == 7 && f[2] == strconv.Itoa(uid) && filepath.IsAbs(f[5]) {
				return filepath.Clean(f[5])
			}
		}
	}
	switch {
	case in.Sample.OS == "darwin" && user != "" && user != "root" && !strings.Contains(user, "/"): // its passwd file has no people
		return "/Users/" + user
	case in.Sample.OS == "darwin" && user == "root":
		return "/var/root"
	default:
		return ""
	}
}

// mountOf is the file system that holds a path, nil when none is known.
func mountOf(s *host.Sample, path string) *host.Mount {
	var best *host.Mount
	for i := range s.Mounts {
		m := &s.Mounts[i]
		if within(path, m.Path) && (best == nil || len(m.Path) >= len(best.Path)) { // of two on one path the later one is seen
			best = m
		}
	}
	return best
}

// within reports whether path is dir or below it.
func within(path, dir string) bool {
	return path == dir || dir == "/" || strings.HasPrefix(path, dir+"/")
}

func remote(fsType string) bool {
	return strings.HasPrefix(fsType, "nfs") || strings.HasPrefix(fsType, "fuse.") ||
		slices.Contains([]string{"cifs", "smb3", "smbfs", "afs", "9p", "ceph", "glusterfs", "lustre", "afpfs", "autofs", "webdav"}, fsType)
}
