package githubcache

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/org/gorun-action/internal/store/blob"
)

const (
	oneShot   = 4 << 20 // bytes that are not worth a second request
	chunkSize = 8 << 20 // bytes; 50,000 blocks, all that Azure takes, are then 390 GiB
	sideways  = 4       // uploads side by side, as the toolkit does for v1
)

// azureVersion is old enough for every Azure Storage and emulator, and has all
// that is used here.
const azureVersion = "2020-10-02"

// upload makes content the block blob of a signed URL.
func (c *client) upload(ctx context.Context, link string, content blob.Content) error {
	size := content.Size()
	if size <= oneShot {
		header := http.Header{"X-Ms-Blob-Type": {"BlockBlob"}, "X-Ms-Version": {azureVersion}}
		return c.sendPart(ctx, http.MethodPut, link, header, content, 0, size)
	}
	err := inChunks(ctx, size, func(ctx context.Context, n int, offset, length int64) error {
		at, err := withQuery(link, "comp", "block", "blockid", blockID(n))
		if err != nil {
			return err
		}
		return c.sendPart(ctx, http.MethodPut, at, http.Header{"X-Ms-Version": {azureVersion}}, content, offset, length)
	})
	if err != nil {
		return err
	}
	return c.commitBlocks(ctx, link, chunks(size))
}

// blockID is that of block n. Azure wants all of a blob to have one length.
func blockID(n int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "gorun-%06d", n))
}

func (c *client) commitBlocks(ctx context.Context, link string, count int) error {
	list := struct {
		XMLName xml.Name `xml:"BlockList"`
		Latest  []string
	}{}
	for n := range count {
		list.Latest = append(list.Latest, blockID(n))
	}
	data, err := xml.Marshal(list)
	if err != nil {
		return err
	}
	at, err := withQuery(link, "comp", "blocklist")
	if err != nil {
		return err
	}
	body := bytes.NewReader(append([]byte(xml.Header), data...))
	header := http.Header{"X-Ms-Version": {azureVersion}, "Content-Type": {"application/xml"}}
	return c.sendPart(ctx, http.MethodPut, at, header, body, 0, body.Size())
}

// sendPart sends a piece of content to a URL that needs no token, or to one
// whose header has it already. The piece is read anew when the request is tried
// again.
func (c *client) sendPart(ctx context.Context, method, link string, header http.Header, content io.ReaderAt, offset, length int64) error {
	req, err := http.NewRequestWithContext(ctx, method, link, nil)
	if err != nil {
		return err
	}
	req.Header = header
	if req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	req.ContentLength = length
	req.GetBody = func() (io.ReadCloser, error) {
		if length == 0 {
			return http.NoBody, nil // else net/http sends it in chunks, which Azure refuses
		}
		return io.NopCloser(io.NewSectionReader(content, offset, length)), nil
	}
	if req.Body, err = req.GetBody(); err != nil {
		return err
	}
	_, _, err = c.answer(req)
	return err
}

// withQuery adds to the query of a link and leaves the rest as it was signed.
func withQuery(link string, pairs ...string) (string, error) {
	u, err := url.Parse(link)
	if err != nil {
		return "", err
	}
	for i := 0; i < len(pairs); i += 2 {
		if u.RawQuery != "" {
			u.RawQuery += "&"
		}
		u.RawQuery += pairs[i] + "=" + url.QueryEscape(pairs[i+1])
	}
	return u.String(), nil
}

func chunks(size int64) int { return int((size + chunkSize - 1) / chunkSize) }

// inChunks sends each chunk of size bytes, some side by side. After the first
// error it starts no more, and returns that error when all have ended.
func inChunks(ctx context.Context, size int64, send func(ctx context.Context, n int, offset, length int64) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	numbers := make(chan int)
	var senders sync.WaitGroup
	for range min(sideways, chunks(size)) {
		senders.Go(func() {
			for n := range numbers {
				offset := int64(n) * chunkSize
				if err := send(ctx, n, offset, min(chunkSize, size-offset)); err != nil {
					cancel(err) // the first one counts
				}
			}
		})
	}
	for n := 0; n < chunks(size) && ctx.Err() == nil; n++ {
		numbers <- n
	}
	close(numbers)
	senders.Wait()
	return context.Cause(ctx)
}
