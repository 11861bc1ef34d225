package cachetest

import (
	"crypto/rand"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// RESTToken returns a new GITHUB_TOKEN whose permission actions is right:
// "read", "write", or "" for none.
func (s *Service) RESTToken(right string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := rand.Text()
	s.rights[token] = right
	return token
}

type restEntry struct {
	ID      int64     `json:"id"`
	Ref     string    `json:"ref"`
	Key     string    `json:"key"`
	Version string    `json:"version"`
	Used    time.Time `json:"last_accessed_at"`
	Created time.Time `json:"created_at"`
	Size    int       `json:"size_in_bytes"`
}

type restList struct {
	Total  int         `json:"total_count"`
	Caches []restEntry `json:"actions_caches"`
}

func (s *Service) routeREST() {
	const path = " /repos/{owner}/{repo}/actions/caches"
	s.mux.HandleFunc("GET"+path, func(w http.ResponseWriter, r *http.Request) { s.rest(w, r, s.listREST, "read", "write") })
	s.mux.HandleFunc("DELETE"+path, func(w http.ResponseWriter, r *http.Request) { s.rest(w, r, s.deleteREST, "write") })
}

func (s *Service) rest(w http.ResponseWriter, r *http.Request, serve func(*http.Request) (int, any), rights ...string) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	defer s.mu.Unlock()
	right, known := s.rights[token]
	switch {
	case !known:
		writeJSON(w, 401, failed{Message: "Bad credentials"})
	case !slices.Contains(rights, right):
		writeJSON(w, 403, failed{Message: "Resource not accessible by integration"})
	default:
		status, answer := serve(r)
		writeJSON(w, status, answer)
	}
}

// listREST knows the order created_at, newest first, and no other.
func (s *Service) listREST(r *http.Request) (int, any) {
	q := r.URL.Query()
	size, err1 := strconv.Atoi(q.Get("per_page"))
	page, err2 := strconv.Atoi(q.Get("page"))
	if err1 != nil || err2 != nil || size < 1 || size > 100 || page < 1 || q.Get("sort") != "created_at" || q.Get("direction") != "desc" {
		return 422, failed{Message: "Validation Failed"}
	}
	all := []restEntry{}
	for _, e := range slices.Backward(s.entries) {
		if e.done && strings.HasPrefix(e.key, q.Get("key")) {
			all = append(all, e.rest())
		}
	}
	start := min((page-1)*size, len(all))
	return 200, restList{len(all), all[start:min(start+size, len(all))]}
}

func (e *entry) rest() restEntry {
	return restEntry{e.id, e.ref, e.key, e.version, e.used.UTC(), e.created.UTC(), len(e.blob)}
}

func (s *Service) deleteREST(r *http.Request) (int, any) {
	list := restList{Caches: []restEntry{}}
	for _, e := range s.remove(r.URL.Query().Get("key")) {
		list.Caches = append(list.Caches, e.rest())
	}
	list.Total = len(list.Caches)
	if list.Total == 0 {
		return 404, failed{Message: "Not Found"}
	}
	return 200, list
}
