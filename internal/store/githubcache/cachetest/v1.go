package cachetest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

const v1Path = "/_apis/artifactcache/"

// failed is an error of v1.
type failed struct {
	status  int
	Message string `json:"message"`
}

func (s *Service) routeV1() {
	for pattern, serve := range map[string]func(*http.Request, Scope) (int, any){
		"GET " + v1Path + "cache":         s.findV1,
		"POST " + v1Path + "caches":       s.reserveV1,
		"PATCH " + v1Path + "caches/{id}": s.patchV1,
		"POST " + v1Path + "caches/{id}":  s.commitV1,
	} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serveV1(w, r, serve) })
	}
}

func (s *Service) serveV1(w http.ResponseWriter, r *http.Request, serve func(*http.Request, Scope) (int, any)) {
	scope, ok := s.scope(r)
	status, answer := http.StatusUnauthorized, any(failed{Message: "Authentication is required"})
	switch {
	case !ok:
	case !strings.Contains(r.Header.Get("Accept"), "api-version=6.0-preview"):
		status, answer = http.StatusBadRequest, failed{Message: "No api-version was supplied for the request"}
	default:
		status, answer = serve(r, scope)
	}
	if f, bad := answer.(failed); bad && f.status != 0 {
		status = f.status
	}
	if answer == nil {
		w.WriteHeader(status)
		return
	}
	writeJSON(w, status, answer)
}

func (s *Service) findV1(r *http.Request, scope Scope) (int, any) {
	keys := strings.Split(r.URL.Query().Get("keys"), ",")
	for _, k := range keys {
		if !validKey(k) || len(keys) > 10 {
			return 400, failed{Message: "keys are limited to 10 of 512 characters without commas"}
		}
	}
	e := s.lookUp(scope, r.URL.Query().Get("version"), keys)
	if e == nil {
		return http.StatusNoContent, nil
	}
	return 200, map[string]string{"cacheKey": e.key, "scope": e.ref, "archiveLocation": s.sign(r, e.id, "r")}
}

func (s *Service) reserveV1(r *http.Request, scope Scope) (int, any) {
	var in struct{ Key, Version string }
	if json.NewDecoder(r.Body).Decode(&in) != nil || !validKey(in.Key) || in.Version == "" {
		return 400, failed{Message: "key and version are required"}
	}
	if scope.ReadOnly {
		return 403, failed{Message: denied}
	}
	e := s.reserve(scope, in.Key, in.Version)
	if e == nil {
		return 409, failed{Message: fmt.Sprintf("Cache already exists. Scope: %s, Key: %s, Version: %s", scope.Refs[0], in.Key, in.Version)}
	}
	return 201, map[string]int64{"cacheId": e.id}
}

// reserved returns the own reservation of a request. The caller holds mu.
func (s *Service) reserved(r *http.Request, scope Scope) (*entry, *failed) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	e := s.byID(id)
	switch {
	case err != nil, e == nil, e.ref != scope.Refs[0]:
		return nil, &failed{404, "cache was not reserved"}
	case e.done:
		return nil, &failed{400, "cache is already committed"}
	}
	return e, nil
}

func (s *Service) patchV1(r *http.Request, scope Scope) (int, any) {
	body, err := readBody(r)
	if err != nil {
		return 400, failed{Message: "the body is incomplete"}
	}
	var first, last int64
	if _, err := fmt.Sscanf(r.Header.Get("Content-Range"), "bytes %d-%d/*", &first, &last); err != nil || first < 0 || last < first {
		return 400, failed{Message: "Content-Range is no bytes first-last/*"}
	}
	// act takes an empty part, and needs one for an empty blob.
	if size := int64(len(body)); size != last-first+1 && (size != 0 || last != 0) {
		return 400, failed{Message: fmt.Sprintf("%d bytes for %s", size, r.Header.Get("Content-Range"))}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, bad := s.reserved(r, scope)
	if bad != nil {
		return 0, *bad
	}
	if e.chunks == nil {
		e.chunks = map[int64][]byte{}
	}
	e.chunks[first] = body
	return http.StatusNoContent, nil
}

func (s *Service) commitV1(r *http.Request, scope Scope) (int, any) {
	var in struct{ Size int64 }
	if json.NewDecoder(r.Body).Decode(&in) != nil {
		return 400, failed{Message: "size is required"}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e, bad := s.reserved(r, scope)
	if bad != nil {
		return 0, *bad
	}
	var pieces [][]byte
	var size int64
	for chunk := e.chunks[0]; len(chunk) > 0; chunk = e.chunks[size] {
		pieces = append(pieces, chunk)
		size += int64(len(chunk))
	}
	if size != in.Size {
		return 400, failed{Message: fmt.Sprintf("%d bytes are there, not %d", size, in.Size)}
	}
	e.blob, e.chunks, e.done = concat(pieces), nil, true
	return http.StatusNoContent, nil
}
