package githubcache

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// ErrNoService is wrapped by errors that say why there is no cache service
// here to talk to. It is no fault.
var ErrNoService = errors.New("there is no GitHub cache service")

// Config is what the runner tells of its cache service. Each field that names
// a variable is its value.
type Config struct {
	ResultsURL string // ACTIONS_RESULTS_URL, for v2
	CacheURL   string // ACTIONS_CACHE_URL, for v1
	Token      string // ACTIONS_RUNTIME_TOKEN; a secret
	Mode       string // ACTIONS_CACHE_MODE: none, read, write-only, write; "" is write
	Act        bool   // ACT is set: nektos/act names a results service that has no cache
	ServerURL  string // GITHUB_SERVER_URL; "" is github.com's
	// Version is "v1" or "v2" where somebody chose it, "" to find out.
	Version string
	// Transport carries out each request; nil is http.DefaultTransport. Trying
	// again, giving up and logging are its work.
	Transport http.RoundTripper
}

// ConfigFromEnv reads the variables that the runner sets for the steps of an
// action. (It sets none of them but ACT and GITHUB_SERVER_URL for plain run
// steps.) Version and Transport are left alone.
func ConfigFromEnv(getenv func(string) string) Config {
	return Config{
		ResultsURL: getenv("ACTIONS_RESULTS_URL"),
		CacheURL:   getenv("ACTIONS_CACHE_URL"),
		Token:      getenv("ACTIONS_RUNTIME_TOKEN"),
		Mode:       getenv("ACTIONS_CACHE_MODE"),
		Act:        getenv("ACT") != "",
		ServerURL:  getenv("GITHUB_SERVER_URL"),
	}
}

// New returns the cache service of c, and sends nothing yet. Without one the
// error wraps ErrNoService and says what is missing.
//
// The protocol is the one that Version names; else v2 where GitHub itself is
// the server, with v1 to fall back to when the server knows no v2; else v1.
func New(c Config) (*Cache, error) {
	if c.Mode == "none" {
		return nil, fmt.Errorf("%w: ACTIONS_CACHE_MODE is none", ErrNoService)
	}
	cache := &Cache{mode: c.Mode, client: newClient(c.Transport, c.Token)}
	var err error
	switch c.Version {
	case "v1":
		cache.v1, err = c.openV1(cache.client)
	case "v2":
		cache.v2, err = c.openV2(cache.client)
	case "":
		err = c.choose(cache)
	default:
		err = fmt.Errorf("GitHub's cache service has no version %q: it is v1 or v2", c.Version)
	}
	if err != nil {
		return nil, err
	}
	return cache, nil
}

func (c Config) choose(cache *Cache) (err error) {
	if c.ResultsURL == "" && c.CacheURL == "" {
		return fmt.Errorf("%w: neither ACTIONS_RESULTS_URL nor ACTIONS_CACHE_URL is set (the runner sets them for actions, not for run steps)", ErrNoService)
	}
	wantsV2 := c.ResultsURL != "" && !c.Act && c.isGitHub()
	if !wantsV2 && c.CacheURL == "" {
		return fmt.Errorf("%w: ACTIONS_CACHE_URL is not set, and only github.com and ghe.com have one behind ACTIONS_RESULTS_URL", ErrNoService)
	}
	if wantsV2 {
		if cache.v2, err = c.openV2(cache.client); err != nil {
			return err
		}
	}
	if c.CacheURL != "" {
		cache.v1, err = c.openV1(cache.client)
	}
	return err
}

// isGitHub is the toolkit's isGhes, the other way round
// (packages/cache/src/internal/config.ts).
func (c Config) isGitHub() bool {
	if c.ServerURL == "" {
		return true
	}
	u, err := url.Parse(c.ServerURL)
	if err != nil {
		return false
	}
	host := strings.ToLower(u.Hostname())
	return host == "github.com" || strings.HasSuffix(host, ".ghe.com")
}

func (c Config) openV2(client *client) (*v2, error) {
	if c.ResultsURL == "" {
		return nil, fmt.Errorf("%w: ACTIONS_RESULTS_URL is not set", ErrNoService)
	}
	if c.Token == "" {
		return nil, fmt.Errorf("%w: ACTIONS_RUNTIME_TOKEN is not set", ErrNoService)
	}
	base, err := parseBase("ACTIONS_RESULTS_URL", c.ResultsURL)
	if err != nil {
		return nil, err
	}
	// Like the toolkit, which resolves an absolute path.
	return &v2{client: client, base: base.Scheme + "://" + base.Host + twirpPath, scheme: base.Scheme}, nil
}

func (c Config) openV1(client *client) (*v1, error) {
	if c.CacheURL == "" {
		return nil, fmt.Errorf("%w: ACTIONS_CACHE_URL is not set", ErrNoService)
	}
	base, err := parseBase("ACTIONS_CACHE_URL", c.CacheURL)
	if err != nil {
		return nil, err
	}
	path := strings.TrimSuffix(base.String(), "/") + "/_apis/artifactcache/"
	return &v1{client: client, base: path, scheme: base.Scheme, putting: map[string]bool{}}, nil
}

// parseBase does not repeat the value in its errors: act's has a secret in its
// path.
func parseBase(name, value string) (*url.URL, error) {
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.User != nil {
		return nil, fmt.Errorf("%s is not a plain http or https URL", name)
	}
	return u, nil
}
