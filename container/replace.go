package container

import (
	"errors"
	"os"
	"syscall"
	"time"
)

// Replace makes this process become the program of c: it has the program's
// path, arguments, directory and environment; the streams are this process's.
// It returns only when it could not. A deferred function does not run, and
// nobody is left to look after the program.
func Replace(c Command) error {
	path, err := lookPath(c)
	if err != nil {
		return err
	}
	back, err := os.Getwd()
	if err != nil {
		return err
	}
	if err := os.Chdir(c.Dir); err != nil {
		return err
	}
	argv, env := append([]string{c.Path}, c.Args...), uniqueEnv(c.Env)
	for try := 0; ; try++ {
		err = syscall.Exec(path, argv, env)
		if err != syscall.ETXTBSY || try == 2 { // as in Host.fork
			return errors.Join(startError(c, path, err), os.Chdir(back))
		}
		time.Sleep(100 * time.Millisecond << try)
	}
}
