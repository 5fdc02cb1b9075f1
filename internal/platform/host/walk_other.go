//go:build !linux

package host

import (
	"errors"
	"io"
	"os"
)

// each calls f with what is in a directory until it returns false. Names that skip takes are not even asked what they are.
func each(path string, skip func(name string) bool, f func(name string, f found) bool) error {
	if st, err := os.Lstat(path); err != nil || !st.IsDir() { // a link may have taken its place
		return err
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	for {
		entries, err := d.ReadDir(512)
		for _, e := range entries {
			if e.IsDir() && skip(e.Name()) {
				continue
			}
			st, err := e.Info()
			if err != nil {
				continue // it vanished
			}
			if !f(e.Name(), found{fileInfo: infoOf(st), dir: st.IsDir(), regular: st.Mode().IsRegular(), modified: st.ModTime().Unix()}) {
				return nil
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
