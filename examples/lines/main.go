// Command lines counts the lines of its standard input.
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	n := 0
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		n++
	}
	fmt.Println(n, "lines")
}
