// Command cmain is run as a list of files.
package main

// #include "cmain.h"
import "C"

func main() { println(C.NUMBER) }
