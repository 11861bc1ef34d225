//go:build ignore

// Command broken does not compile: its message is not declared. The build
// constraint keeps it out of ./...; named as a file, it is built all the same.
package main

import "fmt"

func main() {
	fmt.Println(message)
}
