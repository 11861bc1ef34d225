package buildcache

// News is how many unpacked bytes of this pack another one, nil for none, does
// not have.
func (x *Index) News(other *Index) int64 {
	have := map[digest]bool{}
	if other != nil {
		for i := range other.sizes() {
			have[other.sum(i)] = true
		}
	}
	var news int64
	for i, size := range x.sizes() {
		if !have[x.sum(i)] {
			news += size
		}
	}
	return news
}
