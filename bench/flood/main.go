// Flood measures how fast a program's output becomes output records
// (--output=json), and checks that it comes back byte for byte.
//
//	go run ./bench/flood [-bytes N] [-dir DIR] [-kinds text,object,long]
//
// For each kind of line there are two processes: one that writes N bytes to its
// standard output, and its parent, which has one core (GOMAXPROCS=1), reads
// that pipe as gorun does and writes the records to a file in DIR. Printed
// are the N bytes by the wall-clock time from the start of the child to the
// last record, by the processor time of the parent, and the parent's largest
// resident memory. Then the file is put together again and its SHA-256 is
// compared with that of what was written. It exits 1 if they differ.
//
// The file has about twice N bytes and is removed at once.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/org/gorun-action/container"
	"github.com/org/gorun-action/internal/report"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "flood:", err)
		os.Exit(1)
	}
}

// size is what a program writes: bytes of one kind of line.
type size struct {
	kind  string
	bytes int64
}

func run(args []string) error {
	flags := flag.NewFlagSet("flood", flag.ContinueOnError)
	role := flags.String("role", "", "internal: produce or consume")
	bytes := flags.Int64("bytes", 1e9, "bytes of output for each kind")
	kinds := flags.String("kinds", "text,object,long", "kinds of lines: text and JSON objects of about 100 bytes, long lines of 64 MiB")
	dir := flags.String("dir", os.TempDir(), "directory for the records")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for _, kind := range strings.Split(*kinds, ",") {
		var err error
		switch s := (size{kind, *bytes}); *role {
		case "produce":
			err = produce(os.Stdout, s)
		case "consume":
			err = consume(s)
		default:
			err = measure(s, *dir)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", kind, err)
		}
	}
	return nil
}

// longLine is the length of the lines of the kind "long".
const longLine = 64 << 20

// blockOf returns what the output of a kind repeats.
func blockOf(kind string) ([]byte, error) {
	var b []byte
	switch kind {
	case "text":
		for i := 0; len(b) < 1<<20; i++ {
			b = fmt.Appendf(b, "2026/01/02 15:04:05 handler.go:123: GET /api/v1/things/%06d 200 1.25ms from 10.0.0.1 agent=\"curl/8.1\"\n", i)
		}
	case "object":
		for i := 0; len(b) < 1<<20; i++ {
			b = fmt.Appendf(b, "{\"time\":\"2026-01-02T15:04:05Z\",\"level\":\"info\",\"msg\":\"request served\",\"id\":%d,\"took\":1.25,\"ok\":true}\n", i)
		}
	case "long":
		b = []byte(strings.Repeat("0123456789abcdef", longLine/16))
		b[longLine-1] = '\n'
	default:
		return nil, fmt.Errorf("unknown kind")
	}
	return b, nil
}

// produce writes the output, 64 KiB at a time: what a pipe holds.
func produce(w io.Writer, s size) error {
	block, err := blockOf(s.kind)
	if err != nil {
		return err
	}
	for n, rest := s.bytes, block; n > 0; {
		piece := rest[:min(int64(len(rest)), n, 64<<10)]
		if _, err := w.Write(piece); err != nil {
			return err
		}
		n -= int64(len(piece))
		if rest = rest[len(piece):]; len(rest) == 0 {
			rest = block
		}
	}
	return nil
}

// figures are what a consumer says about itself.
type figures struct {
	Wall, CPU time.Duration
	MaxRSS    int64 // bytes
}

// consume runs a producer and writes its output to standard output as records,
// and the figures to standard error.
func consume(s size) error {
	log := report.NewJSON(os.Stdout, nil)
	stream := log.Stream("stdout")
	child, err := self("produce", s)
	if err != nil {
		return err
	}
	begin := time.Now()
	status, err := container.Host{}.Run(context.Background(), container.Command{
		Path: child.Path, Args: child.Args[1:], Dir: "/", Env: os.Environ(), Stdout: stream, Stderr: os.Stderr,
	})
	if err != nil {
		return err
	}
	if status.Shell() != 0 {
		return fmt.Errorf("the producer ended with status %d", status.Shell())
	}
	if err := stream.Close(); err != nil {
		return err
	}
	f := figures{Wall: time.Since(begin)}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return err
	}
	f.CPU = time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
	if f.MaxRSS, err = maxRSS(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stderr).Encode(f)
}

// maxRSS is this process's largest resident memory. (Getrusage's would be that
// of the parent, if it is larger.)
func maxRSS() (int64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	kib, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	n, err := strconv.ParseInt(kib, 10, 64)
	return n << 10, err
}

// self is this program in another role.
func self(role string, s size) (*exec.Cmd, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return exec.Command(path, "-role", role, "-kinds", s.kind, "-bytes", strconv.FormatInt(s.bytes, 10)), nil
}

// measure runs a consumer, prints its figures and checks its records.
func measure(s size, dir string) error {
	file, err := os.CreateTemp(dir, "flood-*.jsonl")
	if err != nil {
		return err
	}
	defer file.Close()
	if err := os.Remove(file.Name()); err != nil {
		return err
	}
	f, err := consumer(s, file)
	if err != nil {
		return err
	}
	rate := func(d time.Duration) float64 { return float64(s.bytes) / 1e6 / d.Seconds() }
	fmt.Printf("%-7s %5.0f MB/s  %5.0f MB per s of processor time  %5.1f MiB resident  ", s.kind, rate(f.Wall), rate(f.CPU), float64(f.MaxRSS)/(1<<20))
	if err := check(file, s); err != nil {
		fmt.Println("DIFFERENT")
		return err
	}
	fmt.Println("same bytes")
	return nil
}

func consumer(s size, records *os.File) (figures, error) {
	var said strings.Builder
	c, err := self("consume", s)
	if err != nil {
		return figures{}, err
	}
	c.Env = append(os.Environ(), "GOMAXPROCS=1")
	c.Stdout, c.Stderr = records, &said
	if err := c.Run(); err != nil {
		return figures{}, fmt.Errorf("the consumer failed: %w: %s", err, said.String())
	}
	var f figures
	if err := json.Unmarshal([]byte(said.String()), &f); err != nil {
		return figures{}, fmt.Errorf("reading the consumer's figures: %w in %q", err, said.String())
	}
	return f, nil
}

// check compares what is in the records with what was written.
func check(records io.ReadSeeker, s size) error {
	if _, err := records.Seek(0, io.SeekStart); err != nil {
		return err
	}
	got, want := sha256.New(), sha256.New()
	if err := report.Reassemble(records, "stdout", got); err != nil {
		return err
	}
	if err := produce(want, s); err != nil {
		return err
	}
	if g, w := got.Sum(nil), want.Sum(nil); string(g) != string(w) {
		return fmt.Errorf("SHA-256 of the reassembled bytes is %x, of the written ones %x", g, w)
	}
	return nil
}
