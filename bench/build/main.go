// Command build measures what gorun adds to a build, side by side with `go
// run` in one run: cold, with empty caches, and warm, on the host and in the
// toolchain container.
//
//	go run ./bench/build [-rounds 3] [-engine=false]
//
// The rounds alternate between the contestants, so that what else the machine
// does hits them alike; the figures are medians. The program has more than 100
// packages. CGO_ENABLED=0 makes host and container compile the same.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const program = `package main

import (
	"fmt"
	"net/http"
	_ "net/http/pprof"
)

func main() { fmt.Println(http.StatusText(200)) }
`

func main() {
	rounds := flag.Int("rounds", 3, "how often each contestant runs")
	engine := flag.Bool("engine", true, "also build in the toolchain container")
	flag.Parse()
	if err := run(*rounds, *engine); err != nil {
		fmt.Fprintln(os.Stderr, "bench/build:", err)
		os.Exit(1)
	}
}

// contestant is one way to run the program.
type contestant struct {
	name       string
	args       []string
	mode       string // --cache-mode; with readwrite a cold run keeps the executable, and a warm one finds it
	cold, warm []time.Duration
}

func run(rounds int, engine bool) error {
	dir, err := os.MkdirTemp("", "gorun-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	gorun := filepath.Join(dir, "gorun")
	if err := prepare(dir, gorun); err != nil {
		return err
	}
	release := strings.TrimPrefix(goVersion(), "go")
	list := []*contestant{
		{name: "go run", args: []string{"go", "run", "."}},
		{name: "gorun, host", args: []string{gorun, "--builder=host", "."}, mode: "off"},
		{name: "gorun, keeping", args: []string{gorun, "--builder=host", "."}, mode: "readwrite"},
	}
	if engine {
		list = append(list, &contestant{name: "gorun, container", args: []string{gorun, "--builder=docker", "--go-version=" + release, "."}, mode: "off"})
		if err := list[3].once(dir, filepath.Join(dir, "first")); err != nil { // the image is loaded from here on
			return err
		}
	}
	for i := range rounds {
		for _, c := range list {
			if err := c.round(dir, filepath.Join(dir, fmt.Sprintf("cache-%d-%s", i, filepath.Base(c.name)))); err != nil {
				return err
			}
		}
	}
	return print(dir, list)
}

func prepare(dir, gorun string) error {
	build := exec.Command("go", "build", "-o", gorun, "./cmd/gorun")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building gorun: %w\n%s", err, out)
	}
	for name, text := range map[string]string{"go.mod": "module example.com/bench\n\ngo 1.26\n", "main.go": program} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func goVersion() string {
	out, _ := exec.Command("go", "env", "GOVERSION").Output()
	return strings.TrimSpace(string(out))
}

// round runs the program with empty caches, then twice with what that left.
func (c *contestant) round(dir, cache string) error {
	defer os.RemoveAll(cache)
	begin := time.Now()
	if err := c.once(dir, cache); err != nil {
		return err
	}
	c.cold = append(c.cold, time.Since(begin))
	for range 5 {
		begin = time.Now()
		if err := c.once(dir, cache); err != nil {
			return err
		}
		c.warm = append(c.warm, time.Since(begin))
	}
	return nil
}

func (c *contestant) once(dir, cache string) error {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	cmd := exec.Command(c.args[0], c.args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOCACHE="+cache, "GORUN_LOG_FORMAT=text", "GORUN_CACHE_MODE="+c.mode)
	if c.mode == "readwrite" {
		cmd.Env = append(cmd.Env, "GORUN_CACHE_DIR="+filepath.Join(cache, "gorun"))
	}
	out, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(out)) != "OK" {
		return fmt.Errorf("%s: %w: %q", c.name, err, out)
	}
	return nil
}

func print(dir string, list []*contestant) error {
	out, err := exec.Command("go", "list", "-C", dir, "-deps", ".").Output()
	if err != nil {
		return err
	}
	fmt.Printf("a program of %d packages, median of %d cold and %d warm runs\n\n", strings.Count(string(out), "\n"), len(list[0].cold), len(list[0].warm))
	fmt.Printf("%-18s %10s %8s %10s %10s %8s %10s\n", "", "cold", "ratio", "more", "warm", "ratio", "more")
	base := list[0]
	for _, c := range list {
		fmt.Printf("%-18s", c.name)
		for _, pair := range [][2][]time.Duration{{c.cold, base.cold}, {c.warm, base.warm}} {
			is, was := median(pair[0]), median(pair[1])
			fmt.Printf(" %10s %8.3f %10s", is.Round(time.Millisecond), float64(is)/float64(was), (is - was).Round(time.Millisecond))
		}
		fmt.Println()
	}
	return nil
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}
