// Package image makes toolchain images without a daemon and without a base
// image, and proves that they are the pinned ones.
//
// # Where a toolchain comes from
//
// The Go distribution for linux/amd64, release 1.26.11, is the module
// golang.org/toolchain@v0.0.1-go1.26.11.linux-amd64 (cmd/go/internal/toolchain,
// select.go). [Fetch] gets the zip of a release that is in the lock and checks
// it against the lock's h1: hash. For any other release [Go.Download] asks a go
// command, which checks it against the checksum database.
//
// # What the image holds
//
// [Assemble] makes two layers. The big one depends on the release alone, so it
// comes first and stays the same when the certificates change:
//
//	usr/local/go/**                     the module's files
//	  bin/**, pkg/tool/**,              0755: modules carry no modes, and these
//	  lib/**/go_*_*_exec                are what cmd/go makes executable
//	  **/go.mod                         the module's _go.mod, renamed
//
//	etc/group, etc/passwd               root and nobody
//	etc/nsswitch.conf                   hosts: files dns
//	etc/ssl/certs/ca-certificates.crt   golang.org/x/crypto/x509roots/fallback
//	root/                               0700
//	tmp/                                1777
//
// Every entry belongs to 0:0 and has the same time; entries are in the order
// of their names and every directory has one. The layers are compressed by
// github.com/klauspost/compress and never by compress/gzip, whose output
// changes between Go releases. So the digests depend on the zip, on the pinned
// versions of klauspost/compress, go-containerregistry and x509roots, and on
// nothing else: not on the machine, its clock, or the Go that built gorun.
//
// # The archive
//
// [WriteArchive] writes an image as one tar that both kinds of engine take:
//
//	oci-layout, index.json    read by an engine with the containerd store,
//	                          which keeps the manifest and so its digest
//	manifest.json             read by an engine with the classic store,
//	                          whose image id is the config's digest
//	blobs/sha256/<hex>        the manifest, the config and the layers, for both
package image

import (
	"cmp"
	"context"
	"fmt"
	"go/version"
	"regexp"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/org/gorun-action/container"
)

const modulePath = "golang.org/toolchain"

// The labels that say what an image was made from.
const (
	labelModule = "gorun.toolchain.module"
	labelSum    = "gorun.toolchain.sum"
)

// epoch is the time of everything in an image, and of the image. It is the
// earliest that a zip can hold, so that files copied out of the image can be
// zipped, and late enough for tar not to call it implausible, as it does 1970.
// cmd/go does not mind: it indexes GOROOT by its version, not by file times.
var epoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Image is an image. The alias lets a caller hold one without importing its
// library, whose home is here.
type Image = v1.Image

// Progress is told how far a task has come; nil is told nothing.
type Progress func(container.Progress)

func (p Progress) report(task string, done, total int64) {
	if p != nil {
		p(container.Progress{Task: task, Done: done, Total: total, Unit: "bytes"})
	}
}

var validPlatform = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[a-z0-9]+/[a-z0-9]+$`)
})

// moduleVersion returns the version of golang.org/toolchain that holds a
// release for a platform.
func moduleVersion(release, platform string) (string, error) {
	if !version.IsValid("go"+release) || strings.Contains(release, "-") {
		return "", fmt.Errorf("go version %q is not a Go release", release)
	}
	if !validPlatform().MatchString(platform) {
		return "", fmt.Errorf("platform %q is not of the form linux/amd64", platform)
	}
	return "v0.0.1-go" + release + "." + strings.ReplaceAll(platform, "/", "-"), nil
}

// Assemble makes the image of tc from the zip of its module. Of tc only the
// version, the platform and, for a label, the sum are read: that the zip is the
// pinned one is for [Fetch] or [VerifyZip] to say, and that the image is for
// [Check].
//
// The layers are files in dir, which must exist for as long as the image is
// used; removing dir is up to the caller.
func Assemble(ctx context.Context, zip, dir string, tc container.Toolchain, progress Progress) (v1.Image, error) {
	img, err := assemble(ctx, zip, dir, tc, progress)
	if err != nil {
		return nil, fmt.Errorf("assembling the image of go%s %s: %w", tc.Version, tc.Platform, err)
	}
	return img, nil
}

func assemble(ctx context.Context, zip, dir string, tc container.Toolchain, progress Progress) (v1.Image, error) {
	mod, err := moduleVersion(tc.Version, tc.Platform)
	if err != nil {
		return nil, err
	}
	tree, err := openTree(zip, modulePath+"@"+mod+"/")
	if err != nil {
		return nil, err
	}
	defer tree.Close()
	if err := tree.holds("go" + tc.Version); err != nil {
		return nil, err
	}
	task := fmt.Sprintf("assembling go%s %s", tc.Version, tc.Platform)
	toolchain, err := writeLayer(ctx, dir, func(t *tarball) error {
		return tree.write(ctx, t, func(done int64) { progress.report(task, done, tree.size) })
	})
	if err != nil {
		return nil, fmt.Errorf("writing the toolchain layer: %w", err)
	}
	base, err := writeLayer(ctx, dir, writeBase)
	if err != nil {
		return nil, fmt.Errorf("writing the base layer: %w", err)
	}
	return compose(tc, mod, toolchain, base)
}

// compose puts the layers and the configuration together.
func compose(tc container.Toolchain, mod string, toolchain, base v1.Layer) (v1.Image, error) {
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	img, err := mutate.Append(img,
		mutate.Addendum{Layer: toolchain, History: history(modulePath + "@" + mod)},
		mutate.Addendum{Layer: base, History: history("certificates, users, /tmp")})
	if err != nil {
		return nil, err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.OS, config.Architecture, _ = strings.Cut(tc.Platform, "/")
	config.Created = v1.Time{Time: epoch}
	config.Config = configOf(tc, mod)
	return mutate.ConfigFile(img, config)
}

// configOf is what containers of the image start with.
func configOf(tc container.Toolchain, mod string) v1.Config {
	return v1.Config{
		Env: []string{
			"PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"GOTOOLCHAIN=local", // the image is the toolchain: it must not fetch another
		},
		Cmd:        []string{"go", "version"},
		WorkingDir: "/",
		Labels: map[string]string{
			"org.opencontainers.image.title":    "Go toolchain",
			"org.opencontainers.image.version":  tc.Version,
			"org.opencontainers.image.licenses": "BSD-3-Clause",
			labelModule:                         modulePath + "@" + mod,
			labelSum:                            tc.Sum,
		},
	}
}

func history(createdBy string) v1.History {
	return v1.History{Created: v1.Time{Time: epoch}, CreatedBy: createdBy}
}

// Name returns the tag that the image of tc gets in an engine. It is for people:
// nothing is looked up by it.
func Name(tc container.Toolchain) string {
	return "gorun/toolchain:" + tc.Version + "-" + strings.ReplaceAll(tc.Platform, "/", "-")
}

// Pin returns tc with the digests of its image.
func Pin(img v1.Image, tc container.Toolchain) (container.Toolchain, error) {
	digest, err := img.Digest()
	if err != nil {
		return tc, fmt.Errorf("computing the digest of go%s %s: %w", tc.Version, tc.Platform, err)
	}
	config, err := img.ConfigName()
	if err != nil {
		return tc, fmt.Errorf("computing the config digest of go%s %s: %w", tc.Version, tc.Platform, err)
	}
	tc.Digest, tc.Config = digest.String(), config.String()
	return tc, nil
}

// Check returns an error that wraps container.ErrIntegrity when the image is
// not the one that tc pins.
func Check(img v1.Image, tc container.Toolchain) error {
	got, err := Pin(img, tc)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("the image of go%s %s", tc.Version, tc.Platform)
	return cmp.Or(mismatch(what, tc.Digest, got.Digest), mismatch(what+" (config)", tc.Config, got.Config))
}

// mismatch returns nil when pinned and got are the same.
func mismatch(what, pinned, got string) error {
	if pinned == got {
		return nil
	}
	return fmt.Errorf("%s %w: pinned %s, got %s", what, container.ErrIntegrity, pinned, got)
}
