//go:build !chaos

package failpoint

// Built reports whether this program has failpoints.
const Built = false

// Hit does nothing.
func Hit(Point) {}
