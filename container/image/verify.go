package image

import (
	"archive/zip"
	"context"
	"fmt"
	"io"

	"golang.org/x/mod/sumdb/dirhash"

	"github.com/org/gorun-action/container"
)

// VerifyZip returns an error that wraps container.ErrIntegrity when the h1:
// hash of a module's zip is not the pinned one, or when the file is no zip.
// what names it for people.
func VerifyZip(ctx context.Context, file, what, pinned string, progress Progress) error {
	got, err := hashZip(ctx, file, "verifying "+what, progress)
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("verifying %s: %w", what, cause)
	}
	if err != nil {
		return fmt.Errorf("%s %w: pinned %s, but it cannot be read as a zip: %w", what, container.ErrIntegrity, pinned, err)
	}
	return mismatch(what, pinned, got)
}

// hashZip is dirhash.HashZip for a file that nobody vouches for: bounded, and
// ended by ctx.
func hashZip(ctx context.Context, file, task string, progress Progress) (string, error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return "", err
	}
	defer z.Close()
	if err := checkSize(z.File); err != nil {
		return "", err
	}
	var names []string
	var total, done int64
	entries := make(map[string]*zip.File, len(z.File))
	for _, e := range z.File {
		names = append(names, e.Name)
		entries[e.Name] = e
		total += int64(e.UncompressedSize64)
	}
	// A name that is there twice is hashed twice with the last one's content.
	// That is dirhash's own rule; Assemble refuses such a zip.
	return dirhash.Hash1(names, func(name string) (io.ReadCloser, error) {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		done += int64(entries[name].UncompressedSize64)
		progress.report(task, done, total)
		return entries[name].Open()
	})
}
