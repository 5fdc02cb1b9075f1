package web_test

import (
	"testing"

	"github.com/incidenthub/incidenthub/internal/platform/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }
