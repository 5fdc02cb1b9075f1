package archtest_test

import (
	"os"
	"testing"

	"github.com/incidenthub/incidenthub/internal/archtest"
)

// TestRepository holds this repository against its rules.
func TestRepository(t *testing.T) {
	t.Parallel()
	tree, err := archtest.Load(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if len(tree.Packages) < 2 || tree.Package("internal/archtest") == nil {
		t.Fatalf("found only %d packages: this looks at the wrong folder", len(tree.Packages))
	}
	for _, v := range archtest.Check(tree, archtest.Default()) {
		t.Error(v)
	}
}
