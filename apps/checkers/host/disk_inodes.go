package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// DiskInodes checks how many of a file system's inodes are used: without a free one no file can be made, whatever space is left.
type DiskInodes struct{}

var _ checkers.Checker = DiskInodes{}

// DiskInodesConfig are its settings.
type DiskInodesConfig struct {
	Paths checkers.Texts `json:"paths" jsonschema:"description=Paths on the file systems to look at. An empty list: all that can be written to."`
}

// Validate implements checkers.Validator.
func (c *DiskInodesConfig) Validate() error { return absolute("paths", c.Paths) }

// Spec implements checkers.Checker.
func (DiskInodes) Spec() checkers.Spec {
	return checkers.Spec{
		Name: "disk_inodes", Doc: "How many of the inodes of file systems are used.", Unit: "%", Warning: at(80), Critical: at(95), Metric: "worst_percent",
		Config: DiskInodesConfig{Paths: checkers.Texts{"/"}},
	}
}

// Check implements checkers.Checker.
func (DiskInodes) Check(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
	cfg, err := checkers.Settings(in, DiskInodesConfig{Paths: checkers.Texts{"/"}})
	if err != nil {
		return checkers.Finding{}, err
	}
	paths := []string(cfg.Paths)
	if len(paths) == 0 {
		paths = writable(in.Sample)
	}
	found := map[string]any{}
	worst, worstPath, none := -1.0, "", ""
	for _, path := range paths {
		path = filepath.Clean(path)
		m, err := inodesOf(ctx, in, path)
		if err != nil {
			return checkers.Finding{}, err
		}
		if m.Inodes == 0 { // btrfs, ZFS's and others make them as needed
			found[path] = map[string]any{"type": m.Type, "inodes": 0}
			none = path
			continue
		}
		used := m.Inodes - min(m.InodesFree, m.Inodes)
		percent := checkers.Percent(float64(used), float64(m.Inodes))
		found[path] = map[string]any{
			"percent": checkers.Round(percent, 1), "inodes": m.Inodes, "used": used, "free": m.Inodes - used,
		}
		if percent > worst {
			worst, worstPath = percent, path
		}
	}
	metrics := map[string]any{"paths": found}
	if worstPath == "" {
		message := "no file system with a fixed number of inodes"
		if none != "" {
			message += ": " + none + " makes them as needed"
		}
		return checkers.Finding{Status: checkers.OK, Message: message, Metrics: metrics}, nil
	}
	metrics["worst_percent"], metrics["worst_path"] = checkers.Round(worst, 1), worstPath
	return checkers.Finding{
		Status: in.Judge(worst), Message: fmt.Sprintf("%.1f%% of the inodes of %s are used", worst, worstPath), Metrics: metrics,
	}, nil
}

// inodesOf finds the file system of a path. What is not there is an error that names it.
func inodesOf(ctx context.Context, in checkers.Input, path string) (*host.Mount, error) {
	m := mountOf(in.Sample, path)
	switch {
	case m == nil:
		return nil, fmt.Errorf("no file system is known for %s", path)
	case m.Unread != "":
		return nil, fmt.Errorf("%s cannot be read: %s", path, m.Unread)
	}
	if path != m.Path {
		if _, err := in.Probe.List(ctx, path); errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: there is no such folder", path)
		}
	}
	return m, nil
}

// writable lists the file systems that files can be made on, one for each device.
func writable(s *host.Sample) []string {
	var paths []string
	seen := map[uint64]bool{}
	for i := range s.Mounts {
		m := &s.Mounts[i]
		if m.ReadOnly || m.Inodes == 0 || m.Unread != "" || m.Dev != 0 && seen[m.Dev] {
			continue
		}
		seen[m.Dev] = true
		paths = append(paths, m.Path)
	}
	return paths
}
