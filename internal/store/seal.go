package store

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// maxSeal is the room that a seal takes at most: a SHA-256 and seven numbers.
const maxSeal = 256

// sealWait is how long Put waits for the clock of the file system to pass the
// ctime of a program. At the slowest, Linux has ticks of 10 ms (HZ=100).
const sealWait = 30 * time.Millisecond

// sealText is the seal of a program with this SHA-256, see the package comment.
func sealText(sha256 string, st unix.Stat_t) string {
	mtime, ctime := st.Mtim, st.Ctim
	return fmt.Sprintf("gorun-seal 1 %s %d %d.%09d %d.%09d %d %d\n",
		sha256, st.Size, mtime.Sec, mtime.Nsec, ctime.Sec, ctime.Nsec, st.Ino, st.Dev)
}

// sealed reports whether the seal in a directory holds for a program.
func sealed(dir, sha256 string, st unix.Stat_t) bool {
	text, err := readRegular(filepath.Join(dir, sealFile), maxSeal)
	return err == nil && string(text) == sealText(sha256, st)
}

// seal is a seal that does not have its name yet; nil is none, which only
// means that the program will be hashed again.
type seal struct{ *renameio.PendingFile }

// startSeal writes the seal of a program that is about to be hashed. There is
// none while an edit from now on could leave the program with the ctime that
// it has, nor where nothing can be written.
func (d *Dir) startSeal(dir, sha256 string, st unix.Stat_t) *seal {
	f, err := renameio.NewPendingFile(filepath.Join(dir, sealFile), renameio.WithTempDir(d.tmp()), renameio.WithPermissions(0o600))
	if err != nil {
		return nil
	}
	s := &seal{f}
	if !s.write(sealText(sha256, st)) || !s.after(st) {
		s.abandon()
		return nil
	}
	return s
}

func (s *seal) write(text string) bool {
	_, err := s.WriteAt([]byte(text), 0)
	return err == nil
}

// after reports whether the seal was written in a later tick than the last
// change of a program.
func (s *seal) after(program unix.Stat_t) bool {
	own, err := fstat(s.File)
	return err == nil && own.Mtim.Nano() > program.Ctim.Nano()
}

func (s *seal) abandon() {
	if s != nil {
		s.Cleanup() // does nothing once the seal has its name
	}
}

// finish gives the seal its name. If it cannot, there is no seal.
func (s *seal) finish() {
	if s != nil {
		_ = s.CloseAtomicallyReplace()
	}
}

// sealNew seals a program that nobody but this process has seen yet, and that
// it hashed when it wrote it. That takes until the clock has ticked once.
func (d *Dir) sealNew(dir, program, sha256 string) error {
	st, err := lstat(program)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(sealWait); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if s := d.startSeal(dir, sha256, st); s != nil {
			s.finish()
			return nil
		}
	}
	return nil
}
