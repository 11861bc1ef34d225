// Stopwatch runs the command that STOPWATCH names and says, in the file beside
// itself, how many microseconds that took from its fork to its end.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"time"
)

func main() {
	cmd := exec.Command(os.Getenv("STOPWATCH"))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	begin := time.Now()
	err := cmd.Run()
	took := time.Since(begin)
	if err == nil {
		err = os.WriteFile(os.Args[0]+".time", fmt.Appendln(nil, took.Microseconds()), 0o644)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(99)
	}
}
