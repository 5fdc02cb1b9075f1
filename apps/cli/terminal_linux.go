package cli

import sys "golang.org/x/sys/unix"

const (
	readTerminal  = sys.TCGETS
	writeTerminal = sys.TCSETS
)
