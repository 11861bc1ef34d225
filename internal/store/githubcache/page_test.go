package githubcache_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/org/gorun-action/internal/store/githubcache"
	"github.com/org/gorun-action/internal/store/githubcache/cachetest"
)

// A web page with 200, as from a network that wants a log-in, is no word of the
// service that it has kept something.
func TestCommitAnsweredByAPage(t *testing.T) {
	for body, kept := range map[string]bool{"": true, "{}\n": true, " \n": true, `{"ok":true}`: true, "<html>log in</html>": false, "{}garbage": false} {
		service := cachetest.New(cachetest.Options{NoV2: true})
		link := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost && !strings.HasSuffix(r.URL.Path, "/caches") {
				w.Write([]byte(body))
				return
			}
			service.ServeHTTP(w, r)
		}))
		c := open(t, githubcache.Config{CacheURL: link + "/", Token: service.Token(onMain), Version: "v1"})
		if err := c.Put(t.Context(), "k", nil, strings.NewReader("a blob")); (err == nil) != kept {
			t.Errorf("%q: %v", body, err)
		}
	}
}
