package container

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"
)

// children counts the children of this process in the state, or in any.
func children(state string) int {
	n := 0
	stats, _ := os.ReadDir("/proc")
	for _, e := range stats {
		b, _ := os.ReadFile("/proc/" + e.Name() + "/stat")
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
		if len(fields) > 1 && (state == "" || string(fields[0]) == state) && string(fields[1]) == fmt.Sprint(os.Getpid()) {
			n++
		}
	}
	return n
}

// helperInit runs many programs that leave orphans behind, and complains of
// statuses that are wrong and zombies that stay. As PID 1 it mounts its own
// /proc.
func helperInit([]string) int {
	if err := mountProc(); err != nil {
		fmt.Println(err)
	}
	r := StartReaper()
	guard, err := StartGuard("/proc/self/exe", r)
	if err != nil {
		fmt.Println(err)
	}
	host := Host{Guard: guard, Reaper: r}
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := range 64 {
				code := worker*64 + i
				// Each orphan ends before, about when, or after the program does.
				script := fmt.Sprintf("(true &); (sleep 0.00%d &); (sh -c 'sleep 0.05; exit 9' & true &); exit %d", i%5, code)
				got, err := host.Run(context.Background(), Command{Path: "/bin/sh", Args: []string{"-c", script}, Dir: "/", Env: os.Environ()})
				if err != nil || got != (ExitStatus{Code: code}) {
					fmt.Printf("exit %d: %+v, %v\n", code, got, err)
				}
			}
		})
	}
	all.Wait()
	guard.Close()
	for end := time.Now().Add(3 * time.Second); children("") > 0 && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if all, zombies := children(""), children("Z"); all > 0 {
		fmt.Println(all, "children are left,", zombies, "are zombies")
	}
	r.Close()
	exec.Command("/bin/true").Start() // the count above counts
	time.Sleep(50 * time.Millisecond)
	if n := children("Z"); n != 1 {
		fmt.Println("without a Reaper there are", n, "zombies of one child")
	}
	fmt.Println("done")
	return 0
}

func TestReaper(t *testing.T) {
	for name, attr := range map[string]*syscall.SysProcAttr{"subreaper": {}, "PID 1": newPIDNamespace()} {
		t.Run(name, func(t *testing.T) {
			if attr == nil || name == "PID 1" && os.Getuid() != 0 {
				cannotRun(t, "a new PID namespace takes Linux and root")
			}
			c := exec.Command(self(t))
			c.Env = append(os.Environ(), helperVar+"=init")
			c.SysProcAttr = attr
			out, err := c.CombinedOutput()
			if err != nil || string(out) != "done\n" {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
