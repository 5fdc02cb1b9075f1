package secret

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// FileName is the generated key's name in the data folder.
const FileName = "secret.key"

// maxKeyFile bounds what is read from a key file, in bytes.
const maxKeyFile = 64 << 10

// Source says where the key may come from; the first that is set wins.
type Source struct {
	Key  String // HUB_SECRET_KEY
	File string // HUB_SECRET_KEY_FILE: keys separated by commas or line breaks
	Dir  string // the data folder, which must exist; FileName is read there, or made
}

// Load returns the ring of src and where its keys came from, for the log: a variable's name or a path. Several processes
// may start at once on one folder: they end up with the same key.
func Load(src Source) (ring *Keyring, from string, err error) {
	list, from, err := src.read()
	if err != nil {
		return nil, from, fmt.Errorf("load secret key from %s: %w", from, err)
	}
	ring, err = NewKeyring(list)
	if err != nil {
		return nil, from, fmt.Errorf("load secret key from %s: %w", from, err)
	}
	return ring, from, nil
}

func (src Source) read() (list String, from string, err error) {
	switch {
	case !src.Key.IsZero():
		return src.Key, "HUB_SECRET_KEY", nil
	case src.File != "":
		list, err = readKeys(src.File)
		return list, src.File, err
	case src.Dir == "":
		return String{}, "the data folder", errors.New("no folder given")
	}
	from = filepath.Join(src.Dir, FileName)
	list, err = readKeys(from)
	if errors.Is(err, fs.ErrNotExist) {
		if err = create(from); err == nil {
			list, err = readKeys(from)
		}
		return list, from, err
	}
	if err == nil {
		err = tighten(from)
	}
	return list, from, err
}

func readKeys(path string) (String, error) {
	f, err := os.Open(path)
	if err != nil {
		return String{}, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return String{}, err
	}
	if len(b) > maxKeyFile {
		return String{}, fmt.Errorf("more than %d bytes: %w", maxKeyFile, ErrBadKey)
	}
	return NewString(strings.NewReplacer("\r", ",", "\n", ",").Replace(strings.TrimSpace(string(b)))), nil
}

// tighten takes a generated key file away from group and others: copies and restores often lose the mode.
func tighten(path string) error {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&0o077 == 0 {
		return err
	}
	return os.Chmod(path, 0o600)
}

// create writes a fresh key to path. The file appears whole, synced to disk, or not at all, and never replaces one that
// another process made meanwhile: hence link, which fails where rename would overwrite.
func create(path string) (err error) {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, FileName+".tmp-*") // made with 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(tmp.Name())) }()
	var key [keySize]byte
	_, _ = rand.Read(key[:])
	_, err = tmp.WriteString(base64.StdEncoding.EncodeToString(key[:]) + "\n")
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	if err = os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a new name in dir survive a power cut.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
