// Package registry lists the checks of the product.
package registry

import (
	"github.com/incidenthub/incidenthub/apps/checkers"
	"github.com/incidenthub/incidenthub/apps/checkers/endpoint"
	hostchecks "github.com/incidenthub/incidenthub/apps/checkers/host"
)

// Options are what the process's settings say about checks. The zero value is fit for use.
type Options struct {
	ListeningPorts []string // those that may listen, where a check's own settings do not say
	Home           string   // of the user that the hub runs as; "": what the host's passwd file says
}

// Builtin returns the product's checks, in the order in which lists show them: those of the host first, then those of endpoints.
func Builtin(o Options) []checkers.Checker {
	return []checkers.Checker{
		hostchecks.CPU{},
		hostchecks.Memory{},
		hostchecks.Disk{},
		hostchecks.Network{},
		hostchecks.Process{},
		hostchecks.DiskCommon{Home: o.Home},
		hostchecks.DiskLinux{},
		hostchecks.DiskMacOS{Home: o.Home},
		hostchecks.CPUTemp{},
		hostchecks.DiskTemp{},
		hostchecks.DiskInodes{},
		hostchecks.IOStrain{},
		hostchecks.ListeningPorts{Allow: o.ListeningPorts},
		hostchecks.RAID{},
		hostchecks.RebootDebian{},
		endpoint.HTTP{},
		endpoint.TCP{},
		endpoint.TLSExpiry{},
		endpoint.DNS{},
	}
}
