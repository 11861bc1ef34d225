package container

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// slowWriter takes its time over each write.
type slowWriter struct {
	bytes.Buffer
	delay time.Duration
}

func (w *slowWriter) Write(p []byte) (int, error) {
	time.Sleep(w.delay)
	return w.Buffer.Write(p)
}

// pattern returns n bytes, each position of which can be told.
func pattern(n int) []byte {
	b := make([]byte, 0, n+8)
	for i := 0; len(b) < n; i += 8 {
		b = fmt.Appendf(b, "%07d\n", i/8)
	}
	return b[:n]
}

// helperDrain writes args[0] bytes and leaves a process behind that holds its
// output; with "noisy" that process writes to it for ever.
func helperDrain(args []string) int {
	n, _ := strconv.Atoi(args[0])
	os.Stdout.Write(pattern(n))
	script := "sleep 5"
	if len(args) > 1 {
		script = "while echo noise; do :; done"
	}
	c := exec.Command("sh", "-c", script)
	c.Stdout = os.Stdout
	if c.Start() != nil {
		return 98
	}
	fmt.Fprintln(os.Stderr, c.Process.Pid, time.Now().UnixNano())
	return 5
}

// TestDrain leaves a background process behind that holds the pipe.
func TestDrain(t *testing.T) {
	tests := []struct {
		name  string
		size  int
		args  []string
		delay time.Duration
	}{
		{"nothing", 0, nil, 0},
		{"a little", 8, nil, 0},
		{"1 MiB", 1 << 20, nil, 0},
		{"1 MiB, slow writer", 1 << 20, nil, 50 * time.Millisecond},
		{"5 MiB and some", 5<<20 + 8*11, nil, 0},
		{"1 MiB, then noise", 1 << 20, []string{"noisy"}, 0},
		{"1 MiB, then noise, slow writer", 1 << 20, []string{"noisy"}, 50 * time.Millisecond},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, errs := &slowWriter{delay: test.delay}, new(bytes.Buffer)
			c := helperCommand(t, "drain", append([]string{strconv.Itoa(test.size)}, test.args...)...)
			c.Stdout, c.Stderr = out, errs
			got := run(t, c)
			returned := time.Now()
			if got != (ExitStatus{Code: 5}) {
				t.Errorf("%+v", got)
			}
			if !bytes.HasPrefix(out.Bytes(), pattern(test.size)) {
				t.Errorf("%d bytes, and not those that the program wrote first", out.Len())
			}
			if test.args == nil && out.Len() != test.size {
				t.Errorf("%d bytes, not %d", out.Len(), test.size)
			}
			var pid int
			var exited int64
			if _, err := fmt.Sscan(errs.String(), &pid, &exited); err != nil {
				t.Fatal(err)
			}
			if took := returned.Sub(time.Unix(0, exited)); took > time.Second {
				t.Errorf("took %v after the program's end", took)
			}
			if test.args == nil {
				syscall.Kill(pid, syscall.SIGKILL)
				return
			}
			eventually(t, time.Second, "the noise ends by SIGPIPE", func() bool { return !alive(pid) })
		})
	}
}

// TestOneWriter gives one writer to both streams: the order is the program's.
func TestOneWriter(t *testing.T) {
	var out, want bytes.Buffer
	c := shell(t, "i=0; while [ $i -lt 2000 ]; do echo out $i; echo err $i >&2; i=$((i+1)); done")
	c.Stdout, c.Stderr = &out, &out
	run(t, c)
	for i := range 2000 {
		fmt.Fprintf(&want, "out %d\nerr %d\n", i, i)
	}
	if !bytes.Equal(out.Bytes(), want.Bytes()) {
		t.Error("the order is lost")
	}
}

func TestSameWriter(t *testing.T) {
	var a, b bytes.Buffer
	f := writerFunc(a.Write)
	for _, test := range []struct {
		a, b io.Writer
		want bool
	}{
		{&a, &a, true}, {&a, &b, false}, {nil, nil, false}, {&a, nil, false},
		{os.Stdout, os.Stdout, true}, {f, f, false}, // functions cannot be compared
	} {
		if got := sameWriter(test.a, test.b); got != test.want {
			t.Errorf("%T, %T: %v", test.a, test.b, got)
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

func TestFilesAreInherited(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	c := shell(t, "cat; readlink /proc/self/fd/1 /proc/self/fd/2")
	in, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	in.WriteString("input\n")
	in.Seek(0, io.SeekStart)
	name, _ := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", w.Fd()))
	c.Stdin, c.Stdout, c.Stderr = in, w, w
	run(t, c)
	w.Close()
	if got, _ := io.ReadAll(r); string(got) != "input\n"+name+"\n"+name+"\n" {
		t.Errorf("%q", got)
	}
}

func TestStdin(t *testing.T) {
	var out bytes.Buffer
	c := shell(t, "cat")
	c.Stdout = &out
	c.Stdin = bytes.NewReader(pattern(3 << 20))
	if run(t, c); !bytes.Equal(out.Bytes(), pattern(3<<20)) {
		t.Error("the input did not arrive whole")
	}

	blocked, w := io.Pipe() // never written to
	defer w.Close()
	c = shell(t, "exit 3")
	c.Stdin = blocked
	began := time.Now()
	if s := run(t, c); s.Code != 3 || time.Since(began) > time.Second {
		t.Errorf("%+v after %v", s, time.Since(began))
	}

	c = shell(t, "wc -c")
	out.Reset()
	c.Stdout = &out
	if run(t, c); strings.TrimSpace(out.String()) != "0" {
		t.Errorf("no input is %q", &out)
	}
}

// TestWriterFails ends the program the way a closed pipe does.
func TestWriterFails(t *testing.T) {
	c := shell(t, "while echo x; do :; done 2>/dev/null")
	c.Env = []string{"PATH=/usr/bin:/bin"}
	c.Path, c.Args = "yes", nil
	c.Stdout = writerFunc(func([]byte) (int, error) { return 0, errors.New("full") })
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if got, err := (Host{}).Run(ctx, c); err != nil || got != (ExitStatus{Signal: syscall.SIGPIPE}) {
		t.Errorf("%+v, %v", got, err)
	}
}

// helperFlood writes args[0] MiB in writes of args[1] bytes.
func helperFlood(args []string) int {
	mib, _ := strconv.Atoi(args[0])
	size, _ := strconv.Atoi(args[1])
	chunk := bytes.Repeat([]byte("x"), size)
	for left := mib << 20; left > 0; left -= len(chunk) {
		if _, err := os.Stdout.Write(chunk[:min(left, len(chunk))]); err != nil {
			return 1
		}
	}
	return 0
}

type countingWriter int64

func (w *countingWriter) Write(p []byte) (int, error) {
	*w += countingWriter(len(p))
	return len(p), nil
}

func BenchmarkFlood(b *testing.B) {
	for _, size := range []int{100, 4 << 10, 64 << 10, 1 << 20} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			mib := 1024
			if size == 100 {
				mib = 64
			}
			c := helperCommand(b, "flood", strconv.Itoa(mib), strconv.Itoa(size))
			b.SetBytes(int64(mib) << 20)
			for b.Loop() {
				var n countingWriter
				c.Stdout = &n
				if s := run(b, c); s != (ExitStatus{}) || n != countingWriter(mib)<<20 {
					b.Fatalf("%+v, %d bytes", s, n)
				}
			}
		})
	}
}
