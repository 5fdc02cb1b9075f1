package cli

import sys "golang.org/x/sys/unix"

const (
	readTerminal  = sys.TIOCGETA
	writeTerminal = sys.TIOCSETA
)
