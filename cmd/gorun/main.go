// Command gorun is `go run` for pipelines: it builds a Go main package in a
// toolchain container pinned by digest, runs it, logs JSON, and exits with the
// program's own status. `gorun -h` lists its flags.
package main

import "os"

func main() {
	os.Exit(dispatch(os.Args))
}
