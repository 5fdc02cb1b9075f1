// Package registry lists the checks of the product.
package registry

import (
	"github.com/incidenthub/incidenthub/apps/checkers"
	hostchecks "github.com/incidenthub/incidenthub/apps/checkers/host"
)

// Builtin returns the product's checks, in the order in which lists show them: those of the host first, then those of endpoints.
func Builtin() []checkers.Checker {
	return []checkers.Checker{
		hostchecks.CPU{},
		hostchecks.Memory{},
		hostchecks.Disk{},
		hostchecks.Network{},
		hostchecks.Process{},
		hostchecks.DiskCommon{},
		hostchecks.DiskLinux{},
		hostchecks.DiskMacOS{},
		hostchecks.CPUTemp{},
		hostchecks.DiskTemp{},
		hostchecks.DiskInodes{},
		hostchecks.IOStrain{},
		hostchecks.ListeningPorts{},
		hostchecks.RAID{},
		hostchecks.RebootDebian{},
	}
}
