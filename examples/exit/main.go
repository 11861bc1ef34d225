// Command exit ends with the exit code that its argument names.
package main

import (
	"log"
	"os"
	"strconv"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: exit code")
	}
	code, err := strconv.Atoi(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	os.Exit(code)
}
