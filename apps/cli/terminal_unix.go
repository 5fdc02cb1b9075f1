//go:build linux || darwin

package cli

import (
	"os"

	sys "golang.org/x/sys/unix"
)

func isTerminal(f *os.File) bool {
	_, err := sys.IoctlGetTermios(int(f.Fd()), readTerminal)
	return err == nil
}

// hideTyping switches the echo of a terminal off. show switches it on again.
func hideTyping(f *os.File) (show func(), err error) {
	fd := int(f.Fd())
	was, err := sys.IoctlGetTermios(fd, readTerminal)
	if err != nil {
		return nil, errNoTerminal
	}
	hidden := *was
	hidden.Lflag &^= sys.ECHO
	if err := sys.IoctlSetTermios(fd, writeTerminal, &hidden); err != nil {
		return nil, err
	}
	return func() { _ = sys.IoctlSetTermios(fd, writeTerminal, was) }, nil
}

// terminalWidth is how many characters fit into a line of the terminal, 0 for what is none.
func terminalWidth(f *os.File) int {
	size, err := sys.IoctlGetWinsize(int(f.Fd()), sys.TIOCGWINSZ)
	if err != nil {
		return 0
	}
	return int(size.Col)
}
