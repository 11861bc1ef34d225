package githubcache

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/org/gorun-action/internal/store/blob"
)

const (
	perPage  = 100  // the most that GitHub's REST interface gives
	maxPages = 1000 // 100,000 entries: no 10 GB of them are that small
)

// RESTConfig says where GitHub's REST interface is, which looks after what the
// cache service keeps.
type RESTConfig struct {
	APIURL     string // GITHUB_API_URL; "" is github.com's
	Repository string // GITHUB_REPOSITORY, "owner/name"
	Token      string // GITHUB_TOKEN; a secret
	// Transport carries out each request; nil is http.DefaultTransport.
	Transport http.RoundTripper
}

// RESTConfigFromEnv reads the variables that the runner sets, and GITHUB_TOKEN,
// which a workflow has to hand on.
func RESTConfigFromEnv(getenv func(string) string) RESTConfig {
	return RESTConfig{APIURL: getenv("GITHUB_API_URL"), Repository: getenv("GITHUB_REPOSITORY"), Token: getenv("GITHUB_TOKEN")}
}

// REST lists and removes what a Cache has put, as a blob.Admin. It sees the
// entries of all refs; a Cache sees those of a few. Its methods are safe for
// concurrent use.
type REST struct {
	client *client
	base   string
}

// NewREST returns the interface that c names, and sends nothing yet.
func NewREST(c RESTConfig) (*REST, error) {
	base, err := parseBase("GITHUB_API_URL", cmp.Or(c.APIURL, "https://api.github.com"))
	if err != nil {
		return nil, err
	}
	owner, name, ok := strings.Cut(c.Repository, "/")
	switch {
	case !ok || owner == "" || name == "" || strings.Contains(name, "/"):
		return nil, fmt.Errorf("GITHUB_REPOSITORY is %.100q, and has to be owner/name", c.Repository)
	case c.Token == "":
		return nil, errors.New("GITHUB_TOKEN is not set: hand ${{ github.token }} on to list or remove what GitHub's cache keeps")
	}
	return &REST{newClient(c.Transport, c.Token), base.JoinPath("repos", owner, name, "actions", "caches").String()}, nil
}

// cacheList is an answer of "List GitHub Actions caches for a repository".
type cacheList struct {
	Total  int64        `json:"total_count"`
	Caches []cacheEntry `json:"actions_caches"`
}

type cacheEntry struct {
	Key     string    `json:"key"`
	Version string    `json:"version"`
	Size    int64     `json:"size_in_bytes"`
	Created time.Time `json:"created_at"`
	Used    time.Time `json:"last_accessed_at"`
}

// List returns what was put under keys that begin with prefix, the newest
// first, and of each key the newest. Entries of others are left out. The token
// needs the permission actions: read.
func (r *REST) List(ctx context.Context, prefix string) ([]blob.Info, error) {
	var infos []blob.Info
	seen := map[string]bool{}
	for page := 1; page <= maxPages; page++ {
		list, err := r.page(ctx, prefix, page)
		if err != nil {
			return nil, fmt.Errorf("listing GitHub's cache: %w", err)
		}
		for _, e := range list.Caches {
			if e.ours() && strings.HasPrefix(e.Key, prefix) && !seen[e.Key] {
				seen[e.Key] = true
				infos = append(infos, blob.Info{Key: e.Key, Size: e.Size, Created: e.Created, Used: e.Used})
			}
		}
		if len(list.Caches) < perPage {
			return infos, nil
		}
	}
	return nil, fmt.Errorf("listing GitHub's cache: there are more than %d pages", maxPages)
}

func (e cacheEntry) ours() bool { return e.Version == formatVersion() && blob.CheckKey(e.Key) == nil }

func (r *REST) page(ctx context.Context, prefix string, page int) (cacheList, error) {
	query := url.Values{"per_page": {strconv.Itoa(perPage)}, "page": {strconv.Itoa(page)}, "sort": {"created_at"}, "direction": {"desc"}}
	if prefix != "" {
		query.Set("key", prefix)
	}
	answer, err := r.call(ctx, http.MethodGet, query, "read")
	if err != nil {
		return cacheList{}, err
	}
	return parseList(answer)
}

func parseList(data []byte) (cacheList, error) {
	var list cacheList
	if err := json.Unmarshal(data, &list); err != nil {
		return cacheList{}, fmt.Errorf("reading the answer: %w", err)
	}
	return list, nil
}

// Remove removes the blob of a key from every ref. The token needs the
// permission actions: write.
func (r *REST) Remove(ctx context.Context, key string) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	answer, err := r.call(ctx, http.MethodDelete, url.Values{"key": {key}}, "write")
	var list cacheList
	if err == nil {
		list, err = parseList(answer)
	}
	if err == nil && list.Total == 0 && len(list.Caches) == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return fmt.Errorf("removing %s from GitHub's cache: %w", key, err)
	}
	return nil
}

// call says which right is missing: GitHub hides what a token may not see
// behind a 404.
func (r *REST) call(ctx context.Context, method string, query url.Values, right string) ([]byte, error) {
	header := http.Header{"Accept": {"application/vnd.github+json"}, "X-Github-Api-Version": {"2022-11-28"}}
	_, answer, err := r.client.call(ctx, method, r.base+"?"+query.Encode(), nil, header)
	switch {
	case method == http.MethodDelete && refusedWith(err, http.StatusNotFound):
		return nil, fmt.Errorf("%w, or GITHUB_TOKEN lacks the permission actions: %s", fs.ErrNotExist, right)
	case refusedWith(err, http.StatusUnauthorized):
		return nil, fmt.Errorf("GITHUB_TOKEN is not accepted: %w", err)
	case refusedWith(err, http.StatusForbidden, http.StatusNotFound):
		return nil, fmt.Errorf("GITHUB_TOKEN needs the permission actions: %s: %w", right, err)
	}
	return answer, err
}
