package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/org/gorun-action/container/image"
	"github.com/org/gorun-action/container/provision"
)

// deliver says what was made and brings it to where the flags say.
func (b *runnerBuild) deliver(ctx context.Context) error {
	say := b.stdout
	if b.output == "tar:-" {
		say = b.stderr
	}
	for i, img := range b.images {
		if err := describe(say, b.platforms[i], img); err != nil {
			return err
		}
	}
	if len(b.images) > 1 {
		return b.deliverIndex(ctx, say)
	}
	return b.deliverImage(ctx, say, b.images[0])
}

// describe says what an engine and a registry know an image by, and what it
// weighs there.
func describe(w io.Writer, platform string, img image.Image) error {
	digest, config, err := digestsOf(img)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "gorun %s\ndigest  %s\nconfig  %s\nsize    %.1f MB compressed\n", platform, digest, config, float64(image.ArchiveSize(img))/1e6)
	return err
}

// digestsOf returns the digests of the manifest and the config.
func digestsOf(img image.Image) (digest, config string, err error) {
	d, err := img.Digest()
	if err != nil {
		return "", "", err
	}
	c, err := img.ConfigName()
	return d.String(), c.String(), err
}

func (b *runnerBuild) deliverIndex(ctx context.Context, say io.Writer) error {
	index, err := image.NewIndex(b.images...)
	if err != nil {
		return err
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	fmt.Fprintf(say, "index   %s\n", digest)
	if dir, ok := strings.CutPrefix(b.output, "oci-layout:"); ok {
		if err := image.WriteLayout(dir, index, b.tags...); err != nil {
			return err
		}
		fmt.Fprintf(say, "written %s\n", dir)
	}
	return b.pushTo(say, func(tag string) (string, error) { return image.PushIndex(ctx, index, tag, b.progress) })
}

func (b *runnerBuild) deliverImage(ctx context.Context, say io.Writer, img image.Image) error {
	if err := b.write(img); err != nil {
		return err
	}
	if b.output != "" {
		_, path, _ := strings.Cut(b.output, ":")
		fmt.Fprintf(say, "written %s\n", path)
	}
	if b.loads {
		id, err := b.loadRunner(ctx, img)
		if err != nil {
			return err
		}
		fmt.Fprintf(say, "loaded  %s %s\n", id, strings.Join(b.tags, " "))
	}
	return b.pushTo(say, func(tag string) (string, error) { return image.Push(ctx, img, tag, b.progress) })
}

// write writes the image to --output.
func (b *runnerBuild) write(img image.Image) error {
	kind, path, _ := strings.Cut(b.output, ":")
	switch {
	case kind == "oci-layout":
		return image.WriteLayout(path, img, b.tags...)
	case path == "-":
		return image.WriteArchive(b.stdout, img, b.tags...)
	case kind == "tar":
		return replaceFile(path, func(w io.Writer) error { return image.WriteArchive(w, img, b.tags...) })
	}
	return nil
}

func (b *runnerBuild) pushTo(say io.Writer, push func(tag string) (string, error)) error {
	if !b.pushes {
		return nil
	}
	for _, tag := range b.tags {
		ref, err := push(tag)
		if err != nil {
			return err
		}
		fmt.Fprintf(say, "pushed  %s as %s\n", ref, tag)
	}
	return nil
}

// loadRunner puts the image into the engine and returns its id there.
func (b *runnerBuild) loadRunner(ctx context.Context, img image.Image) (string, error) {
	digest, config, err := digestsOf(img)
	if err != nil {
		return "", err
	}
	return b.intoEngine(ctx, provision.Loadable{Image: img, Names: b.tags, Title: "gorun", Config: config, Digest: digest})
}
