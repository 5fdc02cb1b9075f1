package host

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/incidenthub/incidenthub/apps/checkers"
)

// DiskCommon looks for space that can be freed on any system: logs, caches, old temporary files, large files at home.
type DiskCommon struct {
	Home string // of the hub's own user; "": what the host's passwd file says
}

var _ checkers.Checker = DiskCommon{}

// What counts as old and as large (contract 6.2).
const (
	oldTemp   = 7 * 24 * time.Hour
	largeFile = 100 << 20
)

type diskCommonConfig struct {
	Homes checkers.Texts `json:"homes" jsonschema:"description=Home folders to look through. Empty: that of the hub's own user and when it is root those of all users."`
}

// Validate implements checkers.Validator.
func (c *diskCommonConfig) Validate() error { return absolute("homes", c.Homes) }

func absolute(name string, paths []string) error {
	for _, p := range paths {
		if !filepath.IsAbs(p) {
			return errors.New(name + ": want absolute paths")
		}
	}
	return nil
}

// Spec implements checkers.Checker.
func (DiskCommon) Spec() checkers.Spec {
	return analysisSpec("disk_common", "Space that can be freed: logs, caches, old temporary files, large files at home.",
		diskCommonConfig{Homes: checkers.Texts{}})
}

// Check implements checkers.Checker.
func (d DiskCommon) Check(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
	c, err := checkers.Settings(in, diskCommonConfig{Homes: checkers.Texts{}})
	if err != nil {
		return checkers.Finding{}, err
	}
	homes := homesOf(ctx, in, c.Homes, d.Home)
	logs, temp := "/var/log", []string{"/tmp", "/var/tmp"}
	if in.Sample.OS == "darwin" { // there all three are links or below one
		logs, temp = "/private/var/log", []string{"/private/tmp", "/private/var/tmp"}
	}
	a := newAnalysis(in)
	a.children(kindLogs, logs)
	scanned := append([]string{logs}, temp...)
	for _, home := range homes {
		a.children(kindCache, filepath.Join(home, ".cache"))
		scanned = append(scanned, filepath.Join(home, ".cache"))
	}
	for _, dir := range temp {
		a.old(kindTemp, dir, oldTemp)
	}
	for _, home := range homes {
		a.large(kindHome, home, largeFile, scanned)
	}
	return a.run(ctx), nil
}
