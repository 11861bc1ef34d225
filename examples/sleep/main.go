// Command sleep waits for the time that its argument names: 300ms, 1h.
package main

import (
	"log"
	"os"
	"time"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: sleep duration")
	}
	d, err := time.ParseDuration(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	time.Sleep(d)
}
