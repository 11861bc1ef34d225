package lib

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// Live does with the answer what the first argument says; without one it prints
// it. The second argument is a directory for what is said where no stream is
// left.
func Live(answer string) {
	if len(os.Args) < 3 {
		fmt.Print(answer)
		return
	}
	way, said := os.Args[1], os.Args[2]
	switch {
	case way == "late":
		late(said)
	case said == "-":
	default:
		fmt.Print(answer)
		os.WriteFile(said+"/answer", []byte(answer), 0o666)
		lives(way, said)
	}
}

func lives(way, said string) {
	var status int
	switch way {
	case "child":
		self, _ := os.Executable()
		os.StartProcess(self, []string{os.Args[0], "late", said}, &os.ProcAttr{Files: []*os.File{nil, os.Stdout, os.Stderr}})
	case "killed":
		self, _ := os.FindProcess(os.Getpid())
		self.Kill()
		time.Sleep(time.Minute)
	case "beside":
		beside()
	case "reads":
		text, err := io.ReadAll(os.Stdin)
		fmt.Println(string(text), err)
	case "closes":
		os.Stdout.Close()
		os.Stderr.Close()
		status = 7
	case "fails":
		fmt.Fprintln(os.Stderr, "failing")
		status = 3
	}
	os.Exit(status)
}

// late says that it outlived the program.
func late(said string) {
	time.Sleep(150 * time.Millisecond)
	_, err := fmt.Fprintln(os.Stderr, "late")
	os.WriteFile(said+"/late", []byte(fmt.Sprintln(err)), 0o666)
}

// beside shows what lies beside the program, and leaves something there.
func beside() {
	self, _ := os.Executable()
	dir := self[:strings.LastIndexByte(self, '/')]
	list, err := os.ReadDir(dir)
	for _, entry := range list {
		fmt.Println(entry.Name())
	}
	fmt.Println(err, os.WriteFile(dir+"/left", nil, 0o666))
}
