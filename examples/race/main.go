// Command race adds to one number from two goroutines without a lock, which
// the race detector (-race) reports.
package main

import (
	"fmt"
	"sync"
)

func main() {
	n := 0
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() { n++ })
	}
	wg.Wait()
	fmt.Println("done")
}
