// Standin is an action that does what its input says, one word and its
// argument a line. It stands in for gorun where the harness itself is tested.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	for line := range strings.Lines(os.Getenv("INPUT_DO")) {
		verb, arg, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		do(verb, arg)
	}
}

func do(verb, arg string) {
	switch verb {
	case "say":
		fmt.Println(arg)
	case "complain":
		fmt.Fprintln(os.Stderr, arg)
	case "show":
		fmt.Println(arg + "=" + os.Getenv(arg))
	case "append":
		name, text, _ := strings.Cut(arg, " ")
		appendTo(os.Getenv(name), text+"\n")
	case "dial":
		fmt.Println(dial(arg))
	case "stdin":
		data, err := io.ReadAll(os.Stdin)
		fmt.Println("stdin", len(data), err)
	case "serve":
		serve(arg)
	case "wait":
		wait()
	case "exit":
		code, _ := strconv.Atoi(arg)
		os.Exit(code)
	case "":
	default:
		fmt.Println("do not know", verb)
		os.Exit(100)
	}
}

func appendTo(file, text string) {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString(text)
		f.Close()
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(101)
	}
}

// dial returns the first words of the server, which may be just starting.
func dial(address string) string {
	for range 50 {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			words, _ := io.ReadAll(conn)
			return string(words)
		}
		time.Sleep(100 * time.Millisecond)
	}
	return "nobody answers at " + address
}

// serve greets everybody until TERM.
func serve(address string) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		fmt.Println(err)
		os.Exit(102)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			fmt.Fprintln(conn, "hello from the service")
			conn.Close()
		}
	}()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	<-stop
}

// wait reports the signals that come and ignores them, TERM excepted.
func wait() {
	got := make(chan os.Signal, 8)
	signal.Notify(got, os.Interrupt, syscall.SIGTERM)
	fmt.Println("waiting")
	os.WriteFile("waiting", nil, 0o644) // in the workspace: whoever cancels the step looks for it
	for s := range got {
		fmt.Println("got", s)
		if s == syscall.SIGTERM {
			return
		}
	}
}
