package oci

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"github.com/org/gorun-action/internal/store/blob"
)

// opener returns the Open of a blob. remote.Layer can only read a whole one.
//
// Registries send a reader on to object storage: the client follows, and the
// transport adds credentials to requests to the registry only.
func (r *Repository) opener(layer v1.Descriptor) func(ctx context.Context, offset, length int64) (blob.Part, error) {
	return func(ctx context.Context, offset, length int64) (blob.Part, error) {
		p, err := r.open(ctx, layer, offset, length)
		if err != nil {
			return blob.Part{}, fmt.Errorf("reading a blob in %s: %w", r, told(err))
		}
		return p, nil
	}
}

func (r *Repository) open(ctx context.Context, layer v1.Descriptor, offset, length int64) (blob.Part, error) {
	if err := ctx.Err(); err != nil {
		return blob.Part{}, err
	}
	if offset < 0 {
		return blob.Part{}, fmt.Errorf("there is nothing at %d", offset)
	}
	if offset >= layer.Size || length == 0 { // HTTP has no empty ranges
		return blob.Part{Body: http.NoBody, Offset: offset, Total: layer.Size}, nil
	}
	end := layer.Size
	if length > 0 && length < end-offset {
		end = offset + length
	}
	req, err := r.request(ctx, http.MethodGet, "blobs", layer.Digest.String())
	if err != nil {
		return blob.Part{}, err
	}
	req.Header.Set("Accept-Encoding", "identity") // or a proxy may change the bytes
	if offset > 0 || end < layer.Size {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", offset, end-1))
	}
	resp, err := r.do(req, transport.PullScope, http.StatusOK, http.StatusPartialContent)
	if err != nil {
		return blob.Part{}, err
	}
	return partOf(resp, layer.Size, offset, end)
}

// partOf checks what a server says it sends, which is from offset to end, or all.
func partOf(resp *http.Response, size, offset, end int64) (blob.Part, error) {
	p, length := blob.Part{Body: resp.Body, Offset: 0, Total: size}, size
	err := error(nil)
	if resp.StatusCode == http.StatusPartialContent {
		p.Offset, length = offset, end-offset
		err = checkRange(resp.Header.Values("Content-Range"), offset, end, size)
	}
	if resp.ContentLength >= 0 && resp.ContentLength != length {
		err = errors.Join(err, fmt.Errorf("the server sends %d bytes instead of %d", resp.ContentLength, length))
	}
	if err != nil {
		resp.Body.Close()
		return blob.Part{}, err
	}
	return p, nil
}

// checkRange takes only what was asked for, in its one spelling.
func checkRange(got []string, offset, end, size int64) error {
	want := fmt.Sprintf("bytes %d-%d/%d", offset, end-1, size)
	unknown := fmt.Sprintf("bytes %d-%d/*", offset, end-1) // RFC 9110, 14.4
	if len(got) != 1 || got[0] != want && got[0] != unknown {
		return fmt.Errorf("the server sends the range %.100q instead of %q", got, want)
	}
	return nil
}
