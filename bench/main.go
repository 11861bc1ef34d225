// Command bench runs all measurements, one after the other: they share the
// machine with nobody but each other's results.
//
//	go run ./bench
//
// bench/build compares builds with `go run`, bench/warm what an unchanged program
// costs, and bench/fresh what it costs on a machine that has nothing yet;
// bench/flood measures the output.
package main

import (
	"fmt"
	"os"
	"os/exec"
)

func main() {
	for _, pkg := range []string{"./bench/build", "./bench/warm", "./bench/fresh", "./bench/flood"} {
		fmt.Printf("== %s\n", pkg)
		cmd := exec.Command("go", "run", pkg)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
		if err := cmd.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
			os.Exit(1)
		}
	}
}
