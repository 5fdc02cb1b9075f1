package host

import (
	"context"

	"github.com/incidenthub/incidenthub/apps/checkers"
)

// DiskLinux looks for space that can be freed on Linux: package caches, the journal, containers, snaps, large files in /srv and /opt.
type DiskLinux struct{}

var _ checkers.Checker = DiskLinux{}

type diskLinuxConfig struct{}

// Spec implements checkers.Checker.
func (DiskLinux) Spec() checkers.Spec {
	s := analysisSpec("disk_linux", "Space that can be freed on Linux: package caches, journal, container and snap data, large files in /srv and /opt.",
		diskLinuxConfig{})
	s.Platform = []string{"linux"}
	return s
}

// linuxPlaces are counted as a whole each.
var linuxPlaces = []struct {
	kind kind
	path string
}{
	{kindApt, "/var/cache/apt"},
	{kindDnf, "/var/cache/dnf"},
	{kindDnf, "/var/cache/libdnf5"},
	{kindYum, "/var/cache/yum"},
	{kindPacman, "/var/cache/pacman/pkg"},
	{kindZypper, "/var/cache/zypp"},
	{kindJournal, "/var/log/journal"},
	{kindJournal, "/run/log/journal"},
	{kindDocker, "/var/lib/docker"},
	{kindContainerd, "/var/lib/containerd"},
	{kindPodman, "/var/lib/containers"},
	{kindSnap, "/var/lib/snapd"},
}

// Check implements checkers.Checker.
func (DiskLinux) Check(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
	if _, err := checkers.Settings(in, diskLinuxConfig{}); err != nil {
		return checkers.Finding{}, err
	}
	a := newAnalysis(in)
	for _, p := range linuxPlaces {
		a.whole(p.kind, p.path)
	}
	for _, dir := range []string{"/srv", "/opt"} {
		a.large(kindServed, dir, largeFile, nil)
	}
	return a.run(ctx), nil
}
