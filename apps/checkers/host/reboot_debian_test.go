package host_test

import (
	"context"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/checkertest"
	hostchecks "github.com/incidenthub/incidenthub/apps/checkers/host"
	"github.com/incidenthub/incidenthub/internal/platform/host"
)

func TestRebootDebian(t *testing.T) {
	t.Parallel()
	const marker = "/var/run/reboot-required"
	many := strings.Repeat("linux-base\n", 3)
	for name := range strings.SplitSeq("abcdefghijklmn", "") {
		many = strings.Join([]string{many, "package-", name, "\n"}, "")
	}
	for name, tt := range map[string]struct {
		family string
		files  map[string]string
		want   checkers.Result
	}{
		"none": {"debian", nil, checkers.Result{Status: checkers.OK, Message: "no reboot is needed", Metrics: map[string]any{"reboot_required": false}}},
		"with packages": {
			"debian",
			map[string]string{marker: "*** System restart required ***\n", marker + ".pkgs": "linux-image-6.1\n\n libssl3 \nlinux-image-6.1\n"},
			checkers.Result{Status: checkers.Warning, Message: "a reboot is needed for updates of linux-image-6.1, libssl3", Metrics: map[string]any{
				"reboot_required": true, "packages": []string{"linux-image-6.1", "libssl3"},
			}},
		},
		"without packages": {
			"debian",
			map[string]string{marker: ""},
			checkers.Result{Status: checkers.Warning, Message: "a reboot is needed", Metrics: map[string]any{"reboot_required": true, "packages": []string{}}},
		},
		"packages without a marker": {
			"debian",
			map[string]string{marker + ".pkgs": "x\n"},
			checkers.Result{Status: checkers.OK, Message: "no reboot is needed", Metrics: map[string]any{"reboot_required": false}},
		},
		"another family": {
			"rhel",
			map[string]string{marker: ""},
			checkers.Result{Status: checkers.OK, Message: "skipped: only for the family of Debian, this is rhel", Metrics: map[string]any{}},
		},
		"family not known": {
			"",
			map[string]string{marker: ""},
			checkers.Result{Status: checkers.Warning, Message: "a reboot is needed", Metrics: map[string]any{"reboot_required": true, "packages": []string{}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := checkertest.Run(t, hostchecks.RebootDebian{}, &checkertest.Host{Samples: []*host.Sample{{OS: "linux", Family: tt.family}}, Files: tt.files}, "")
			if diff := cmp.Diff(tt.want, checkers.Result{Status: r.Status, Message: r.Message, Metrics: r.Metrics}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	h := &checkertest.Host{Samples: []*host.Sample{{OS: "linux"}}, Files: map[string]string{marker: "", marker + ".pkgs": many}}
	if r := checkertest.Run(t, hostchecks.RebootDebian{}, h, ""); !strings.HasSuffix(r.Message, "package-h, package-i and 5 more") {
		t.Error(r.Message)
	}
	if r := checkertest.Run(t, hostchecks.RebootDebian{}, mute{h}, ""); r.Status != checkers.Unknown || !strings.Contains(r.Message, marker) {
		t.Errorf("%+v", r)
	}
	if r := checkertest.Run(t, hostchecks.RAID{}, mute{h}, ""); r.Status != checkers.Unknown || !strings.Contains(r.Message, "/proc/mdstat") {
		t.Errorf("%+v", r)
	}
}

// mute is a host whose files may not be read.
type mute struct{ *checkertest.Host }

func (mute) Read(context.Context, string) ([]byte, error) { return nil, fs.ErrPermission }
