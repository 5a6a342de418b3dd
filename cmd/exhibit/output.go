package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/exhibit-aims/exhibit/internal/people"
)

// checkOutput refuses, before any work is done, what an export cannot be put in
// the place of (a rename would take away a device, a pipe or a link, and leave a
// file there), and a name that not every system holds.
func checkOutput(path string) error {
	if path == "" {
		return usageError{errors.New("-o is empty"), "name the file to write"}
	}
	if name := filepath.Base(path); name != "." && name != ".." {
		if err := people.CheckFileName(name); err != nil { // whoever gets it could not keep it
			return usageError{fmt.Errorf("-o %s: %w", path, err), hintOf(err)}
		}
	}
	dir := filepath.Dir(filepath.Clean(path))
	switch info, err := os.Stat(dir); {
	case errors.Is(err, fs.ErrNotExist):
		return hinted{fmt.Errorf("%s: there is no folder %s", path, dir), "make the folder first, or name another with -o"}
	case errors.Is(err, syscall.ENOTDIR), err == nil && !info.IsDir():
		return hinted{fmt.Errorf("%s: %s is a file, not a folder", path, dir), "name a file in a folder with -o"}
	case err != nil:
		return outputError(path, err)
	}
	info, err := os.Lstat(filepath.Clean(path))
	switch {
	case errors.Is(err, fs.ErrNotExist) || err == nil && (info.IsDir() || info.Mode().IsRegular()):
		return nil
	case err != nil:
		return outputError(path, err)
	case info.Mode()&fs.ModeSymlink != 0:
		return usageError{fmt.Errorf("%s is a link", path), "name what it leads to"}
	}
	return usageError{fmt.Errorf("%s is no file: a device, a pipe or a socket", path), "an export is written beside its place and put there whole: name a file"}
}

// besideFile makes a file beside the one of that name, to be renamed to it. Who
// may read it is for the umask of the account to say.
func besideFile(path string) (*os.File, error) {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil, hinted{fmt.Errorf("%s is a folder", path), "name a file with -o"}
	}
	f, err := os.OpenFile(besideName(path), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return nil, outputError(path, err)
	}
	return f, nil
}

// besideFolder is besideFile for a folder.
func besideFolder(path string) (string, error) {
	name := besideName(path)
	if err := os.Mkdir(name, 0o777); err != nil {
		return "", outputError(path, err)
	}
	return name, nil
}

func besideName(path string) string {
	return filepath.Join(filepath.Dir(filepath.Clean(path)), ".exhibit-"+rand.Text())
}

// outputError says of which output an error is, by the name that the reader
// knows, and what to do.
func outputError(path string, err error) error {
	if err == nil {
		return nil
	}
	var at *fs.PathError
	if errors.As(err, &at) && errors.Is(err, fs.ErrPermission) {
		return hinted{fmt.Errorf("%s: %w", path, at.Err), "name a folder with -o that you may write to"}
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return hinted{fmt.Errorf("%s: %w", path, err), "nothing is left of it: make room, or name another place with -o; TMPDIR says where files are kept meanwhile"}
	}
	return fmt.Errorf("%s: %w", path, err)
}
