package container

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

func TestGuardBirth(t *testing.T) {
	bystander := exec.Command("sh", "-c", "sleep 60 & sleep 60") // a living group of our session
	bystander.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := bystander.Start(); err != nil {
		t.Fatal(err)
	}
	defer bystander.Wait()
	defer func() { syscall.Kill(-bystander.Process.Pid, syscall.SIGKILL) }()
	for i, told := range []string{"untold", "told"} {
		mark := fmt.Sprintf("GORUN_TEST_MARK=%d.gap%d", os.Getpid(), i)
		c := exec.Command(self(t), mark, told)
		c.Env = append(os.Environ(), helperVar+"=gap")
		c.Run()
		if told == "told" {
			eventually(t, 5*time.Second, "no process of the group is left", func() bool { return len(marked(mark)) == 0 })
			continue
		}
		time.Sleep(300 * time.Millisecond)
		left := marked(mark) // the guard cannot know
		for _, pid := range left {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		if len(left) == 0 {
			t.Error("nothing was left to be found: the test shows nothing")
		}
	}
	if !alive(bystander.Process.Pid) {
		t.Error("a group that is not ours was killed")
	}
}
