package main

import (
	"context"
	"fmt"
	"io"

	"github.com/org/gorun-action/internal/store/entry"
)

// cacheKeyVariable has the key that signs and checks what shared stores have.
const cacheKeyVariable = "GORUN_CACHE_KEY"

// maxKeyText is more than any key has.
const maxKeyText = 4 << 10

const cacheKeyHelp = `Usage: gorunctl cache key [flags]

Makes a key for GORUN_CACHE_KEY, with which gorun signs what it puts into shared
stores, and uses only what is signed. The private key, which signs, is written
to standard output: keep it as a secret. The public key, which only checks, is
written to standard error.

    gorunctl cache key >private.key
    gorunctl cache key --public <private.key

Flags:`

func cacheKey(_ context.Context, c *command, f *flags) error {
	public := f.Bool("public", false, "make no key: read a private one from standard input, and print its public one")
	if err := f.none(); err != nil {
		return err
	}
	if *public {
		return c.publicKey()
	}
	key, err := entry.GenerateKey(nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stderr, "public key: %s\n", key.Public())
	_, err = fmt.Fprintln(c.stdout, key.Secret())
	return err
}

func (c *command) publicKey() error {
	text, err := io.ReadAll(io.LimitReader(c.stdin, maxKeyText))
	if err != nil {
		return fmt.Errorf("reading the private key: %w", err)
	}
	key, err := entry.ParseKey(string(text))
	if err != nil {
		return fmt.Errorf("reading the private key: %w", err)
	}
	_, err = fmt.Fprintln(c.stdout, key.Verify)
	return err
}
