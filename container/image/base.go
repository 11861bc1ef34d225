package image

import (
	"bytes"
	"encoding/pem"
	"strings"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// 65534 is nobody in every distribution and in the kernel's overflow uid.
const (
	passwd = "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"
	group  = "root:x:0:\nnobody:x:65534:\n"
	// Without this file Go's resolver assumes the same order, but then only
	// because it has no better idea (net/conf.go).
	nsswitch = "hosts: files dns\n"
)

// writeBase puts what a program expects of a system besides Go into the tar.
func writeBase(t *tarball) error {
	for _, f := range []struct{ name, content string }{
		{"etc/group", group},
		{"etc/nsswitch.conf", nsswitch},
		{"etc/passwd", passwd},
		{"etc/ssl/certs/ca-certificates.crt", certificates()},
	} {
		if err := t.file(f.name, 0o644, int64(len(f.content)), strings.NewReader(f.content)); err != nil {
			return err
		}
	}
	if err := t.dir("root", 0o700); err != nil {
		return err
	}
	return t.dir("tmp", 0o1777)
}

// certificates returns the roots as PEM, in the bundle's order. A root that is
// trusted on a condition only is left out: a PEM file cannot say the condition.
func certificates() string {
	var b bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			pem.Encode(&b, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate}) // a Buffer does not fail
		}
	}
	return b.String()
}
