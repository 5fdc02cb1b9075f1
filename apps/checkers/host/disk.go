package host

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

// Disk checks how full file systems are.
type Disk struct{}

var _ checkers.Checker = Disk{}

// DiskConfig are its settings.
type DiskConfig struct {
	Paths checkers.Texts `json:"paths" jsonschema:"description=The file systems that these paths are on."`
}

// Validate implements checkers.Validator.
func (c *DiskConfig) Validate() error {
	for _, p := range c.Paths {
		if !path.IsAbs(p) || strings.ContainsRune(p, 0) {
			return fmt.Errorf("paths: %.80q is no absolute path", p)
		}
	}
	if len(c.Paths) == 0 || len(c.Paths) > 100 {
		return errors.New("paths: want 1 to 100")
	}
	return nil
}

// Spec implements checkers.Checker.
func (Disk) Spec() checkers.Spec {
	return checkers.Spec{
		Name: "disk", Doc: "How full file systems are; the fullest decides.", Unit: "%", Warning: at(80), Critical: at(95),
		Metric: "worst_percent", Config: DiskConfig{Paths: checkers.Texts{"/"}},
	}
}

// Check implements checkers.Checker.
func (Disk) Check(ctx context.Context, in checkers.Input) (checkers.Finding, error) {
	cfg, err := checkers.Settings(in, DiskConfig{Paths: checkers.Texts{"/"}})
	if err != nil {
		return checkers.Finding{}, err
	}
	disks := map[string]any{}
	var bad []string
	var worst string
	var most float64
	var fullest *host.Mount
	for _, p := range cfg.Paths {
		m, err := fileSystem(ctx, in, p)
		if err != nil {
			bad = append(bad, fmt.Sprintf("%s: %v", p, err))
			continue
		}
		used := m.Total - m.Free
		percent := checkers.Percent(float64(used), float64(used+m.Available)) // as df: what is kept for root is neither
		disks[p] = map[string]any{
			"percent": checkers.Round(percent, 1), "total_gb": checkers.GB(m.Total), "used_gb": checkers.GB(used), "free_gb": checkers.GB(m.Available),
		}
		if fullest == nil || percent > most {
			worst, most, fullest = p, percent, m
		}
	}
	f := checkers.Finding{Status: checkers.OK, Metrics: map[string]any{"disks": disks}}
	var said []string
	if fullest != nil {
		f.Metrics["worst_percent"], f.Metrics["worst_path"] = checkers.Round(most, 1), worst
		f.Status = in.Judge(most)
		said = append(said, fmt.Sprintf("%s %.1f%% used, %.2f of %.2f GB free", worst, most, checkers.GB(fullest.Available), checkers.GB(fullest.Total)))
	}
	if len(bad) > 0 {
		f.Status = checkers.Worse(f.Status, checkers.Unknown)
		said = append(said, "cannot read "+strings.Join(bad, ", "))
	}
	f.Message = strings.Join(said, "; ")
	return f, nil
}

// fileSystem finds the file system that a path is on.
func fileSystem(ctx context.Context, in checkers.Input, name string) (*host.Mount, error) {
	where, err := host.Find(ctx, in.Probe, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is no such path")
	case errors.Is(err, fs.ErrPermission):
		return nil, errors.New("permission denied")
	case err != nil:
		return nil, errors.New("no answer")
	}
	var found *host.Mount
	for i := range in.Sample.Mounts {
		m := &in.Sample.Mounts[i]
		if inside(where, m.Path) && (found == nil || len(m.Path) >= len(found.Path)) { // of several on one path the last is on top
			found = m
		}
	}
	switch {
	case found == nil:
		return nil, errors.New("on no file system that is known")
	case found.Unread != "":
		return nil, errors.New(found.Unread)
	case found.Total == 0:
		return nil, fmt.Errorf("%s has no size", found.Type)
	}
	return found, nil
}

// inside reports whether a path is below a directory, or it.
func inside(name, dir string) bool {
	return name == dir || dir == "/" || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}
