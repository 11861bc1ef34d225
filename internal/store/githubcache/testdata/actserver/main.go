// Command actserver serves nektos/act's cache service from a directory until
// its standard input ends. It is built in a module of its own, by the tests.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/nektos/act/pkg/artifactcache"
)

func main() {
	h, err := artifactcache.StartHandler(os.Args[1], "", "127.0.0.1", 0, nil)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(h.ExternalURL() + "/")
	io.Copy(io.Discard, os.Stdin)
	h.Close()
}
