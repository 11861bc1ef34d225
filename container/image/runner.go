package image

import (
	"archive/tar"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/org/gorun-action/container"
)

// Runner says what a runner image has besides its toolchain.
type Runner struct {
	// Toolchain is the entry that the toolchain image was made from.
	Toolchain container.Toolchain
	// Gorun is a file: gorun's static executable for the toolchain's platform.
	Gorun string
	// Version, Revision and Source become labels: the release ("1.2.3"), the
	// commit, and the address of the repository. "" makes no label.
	Version, Revision, Source string
	// Created is the time that the image says it was made at; the zero Time is
	// the one that everything else in an image has.
	Created time.Time
}

// Users of a runner image may be anybody, so these are directories as /tmp is.
// They are listed for an engine, too: it copies them, with their modes, into a
// new volume that is mounted at /cache.
func sharedDirs() []string {
	return []string{"cache", "cache/go", "cache/go-build", "cache/gorun", "cache/mod", "home/gorun"}
}

// runnerMark is the file by which gorun knows its images (internal/runas).
const runnerMark = "etc/gorun-image"

// runnerEnv is the environment of a runner image, over that of its toolchain.
// GOTOOLCHAIN stays local: the image is the toolchain, and a user who wants the
// release that a go.mod names sets GOTOOLCHAIN=auto.
func runnerEnv() []string {
	return []string{
		"HOME=/home/gorun", // of any user: a uid without an entry in passwd would get /
		"GOPATH=/cache/go",
		"GOCACHE=/cache/go-build",
		"GOMODCACHE=/cache/mod",
		"GORUN_CACHE_DIR=/cache/gorun",
	}
}

// AssembleRunner makes a runner image of a toolchain image and gorun. The
// toolchain's layers are used as they are. The same executable, labels and time
// make the same digest; the new layer is a file in dir, as those of [Assemble]
// are.
func AssembleRunner(ctx context.Context, toolchain v1.Image, dir string, r Runner) (v1.Image, error) {
	img, err := assembleRunner(ctx, toolchain, dir, r)
	if err != nil {
		return nil, fmt.Errorf("assembling the runner image for %s: %w", r.Toolchain.Platform, err)
	}
	return img, nil
}

func assembleRunner(ctx context.Context, toolchain v1.Image, dir string, r Runner) (v1.Image, error) {
	if err := checkExecutable(r.Gorun, r.Toolchain.Platform); err != nil {
		return nil, err
	}
	l, err := writeLayer(ctx, dir, func(t *tarball) error { return writeRunner(t, r.Gorun) })
	if err != nil {
		return nil, fmt.Errorf("writing the layer: %w", err)
	}
	img, err := mutate.Append(toolchain, mutate.Addendum{Layer: l, History: v1.History{Created: r.created(), CreatedBy: "gorun"}})
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.Created = r.created()
	config.Config = r.config(config.Config)
	img, err = mutate.ConfigFile(img, config)
	if err != nil {
		return nil, err
	}
	return mutate.Annotations(img, r.labels()).(v1.Image), nil
}

func (r Runner) created() v1.Time {
	if r.Created.IsZero() {
		return v1.Time{Time: epoch}
	}
	return v1.Time{Time: r.Created.UTC().Truncate(time.Second)}
}

// config is what containers of the image start with.
func (r Runner) config(toolchain v1.Config) v1.Config {
	labels := r.labels()
	for _, name := range []string{labelModule, labelSum} {
		labels[name] = toolchain.Labels[name]
	}
	return v1.Config{
		Env:        append(slices.Clone(toolchain.Env), runnerEnv()...),
		Entrypoint: []string{"gorun"},
		WorkingDir: "/src",
		Labels:     labels,
	}
}

// labels are the image's, and its annotations in a registry.
func (r Runner) labels() map[string]string {
	labels := map[string]string{
		"org.opencontainers.image.title":       "gorun",
		"org.opencontainers.image.description": "gorun with go" + r.Toolchain.Version + ": go run for pipelines",
		"org.opencontainers.image.licenses":    "Apache-2.0 AND BSD-3-Clause", // gorun's and Go's
	}
	for name, value := range map[string]string{"version": r.Version, "revision": r.Revision, "source": r.Source} {
		if value != "" {
			labels["org.opencontainers.image."+name] = value
		}
	}
	if !r.Created.IsZero() {
		labels["org.opencontainers.image.created"] = r.created().Format(time.RFC3339)
	}
	return labels
}

// writeRunner puts gorun, the link for the Action's door and the directories
// into the tar.
func writeRunner(t *tarball, gorun string) error {
	f, err := os.Open(gorun)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	for _, dir := range sharedDirs() {
		if err := t.dir(dir, 0o1777); err != nil {
			return err
		}
	}
	if err := t.dir("src", 0o755); err != nil {
		return err
	}
	if err := t.file(runnerMark, 0o644, 0, strings.NewReader("")); err != nil {
		return err
	}
	if err := t.file("usr/local/bin/gorun", 0o755, info.Size(), f); err != nil {
		return err
	}
	return t.w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "usr/local/bin/gorun-action", Linkname: "gorun", Mode: 0o777, ModTime: epoch})
}

// checkExecutable refuses what could not be started in the image: another
// platform's executable, or one that asks for a dynamic linker.
func checkExecutable(file, platform string) error {
	exe, err := elf.Open(file)
	if err != nil {
		return fmt.Errorf("reading gorun's executable: %w", err)
	}
	defer exe.Close()
	machines := map[string]elf.Machine{"linux/amd64": elf.EM_X86_64, "linux/arm64": elf.EM_AARCH64}
	want, known := machines[platform]
	if !known {
		return fmt.Errorf("there is no runner image for %s, only for linux/amd64 and linux/arm64", platform)
	}
	if exe.Machine != want {
		return fmt.Errorf("%s is for %s, not for %s", file, strings.TrimPrefix(exe.Machine.String(), "EM_"), platform)
	}
	if slices.ContainsFunc(exe.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		return container.WithHint(errors.New(file+" is not static: the image has no dynamic linker"), "build it with CGO_ENABLED=0")
	}
	return nil
}
