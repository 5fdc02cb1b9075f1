package host

import (
	"context"
	"path/filepath"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
)

// DiskMacOS looks for space that can be freed on macOS: caches, logs, what Xcode derived, old downloads.
type DiskMacOS struct {
	Home string // as that of DiskCommon
}

var _ checkers.Checker = DiskMacOS{}

// oldDownload is when a download counts as old (contract 6.2).
const oldDownload = 30 * 24 * time.Hour

// Spec implements checkers.Checker.
func (DiskMacOS) Spec() checkers.Spec {
	s := analysisSpec("disk_macos", "Space that can be freed on macOS: caches, logs, data that Xcode derived, old downloads.",
		diskCommonConfig{Homes: checkers.Texts{}})
	s.Platform = []string{"darwin"}
	return s
}

// Check implements checkers.Checker.
func (d DiskMacOS) Check(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
	c, err := checkers.Settings(in, diskCommonConfig{Homes: checkers.Texts{}})
	if err != nil {
		return checkers.Finding{}, err
	}
	a := newAnalysis(in)
	for _, home := range homesOf(ctx, in, c.Homes, d.Home) {
		a.children(kindCache, filepath.Join(home, "Library/Caches"))
		a.children(kindLogs, filepath.Join(home, "Library/Logs"))
		a.children(kindXcode, filepath.Join(home, "Library/Developer/Xcode/DerivedData"))
		a.old(kindDownloads, filepath.Join(home, "Downloads"), oldDownload)
	}
	a.children(kindLogs, "/Library/Logs")
	return a.run(ctx), nil
}
