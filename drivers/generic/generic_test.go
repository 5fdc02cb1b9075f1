package generic

import (
	"testing"

	"github.com/incidenthub/incidenthub/drivers/drivertest"
)

func TestCases(t *testing.T) { drivertest.Run(t, New()) }

func FuzzParse(f *testing.F) { drivertest.Fuzz(f, New()) }
